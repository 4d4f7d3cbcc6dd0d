"""Makes Tests/SchedulesTests/Cases/peers.tsv: what croniter and Python's zoneinfo say, where their semantics are
EventBridge's (plain fields, names, lists, ranges, steps, L of a month, n-th weekdays; UTC; offsets of time zones).

    python Tests/Tools/schedule_cases.py > Tests/SchedulesTests/Cases/peers.tsv     (needs croniter)
"""

import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from croniter import croniter

random.seed(20261121)
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def item(low, high):
    kind = random.randrange(4)
    a, b = sorted(random.sample(range(low, high + 1), 2))
    return ["*", str(a), f"{a}-{b}", f"{a}-{b}/{random.randint(1, 5)}"][kind]


def field(low, high):
    return "*" if random.random() < 0.4 else ",".join(item(low, high).replace("*", str(low)) for _ in range(random.randint(1, 3)))


def cron_cases(count):
    made = 0
    while made < count:
        minute, hour, month = field(0, 59), field(0, 23), field(1, 12)
        if random.random() < 0.5:
            day = random.choice([field(1, 31), "L", "1,L", "15"])
            theirs, ours = (day, "*"), (day, "?")
        else:
            number = random.randrange(7)
            theirs_day, ours_day = random.choice([
                (str(number), str(number + 1)), (DAYS[number].lower(), DAYS[number]), ("1-5", "MON-FRI"),
                (f"{number}#{2}", f"{number + 1}#2"), (f"L{number}", f"{number + 1}L"),
            ])
            theirs, ours = ("*", theirs_day), ("?", ours_day)
        start = datetime(random.randint(1990, 2060), random.randint(1, 12), random.randint(1, 28), random.randint(0, 23), 17)
        walk = croniter(f"{minute} {hour} {theirs[0]} {month} {theirs[1]}", start)
        try:
            found = [walk.get_next(datetime) for _ in range(4)]
        except Exception:
            continue
        expression = f"cron({minute} {hour} {ours[0]} {month} {ours[1]} *)"
        print("cron", expression, start.isoformat(), ",".join(t.isoformat() for t in found), sep="\t")
        made += 1


def zone_cases():
    zones = ["Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Los_Angeles",
             "America/St_Johns", "America/Sao_Paulo", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata",
             "Asia/Kathmandu", "Asia/Tokyo", "Pacific/Apia", "Pacific/Chatham", "Africa/Cairo", "Antarctica/Troll"]
    for name in zones:
        zone = ZoneInfo(name)
        moment = datetime(1975, 1, 1, tzinfo=timezone.utc)
        for _ in range(60):
            moment += timedelta(seconds=random.randrange(50 * 366 * 86400 // 60))
            offset = int(moment.astimezone(zone).utcoffset().total_seconds())
            print("zone", name, int(moment.timestamp()), offset, sep="\t")


cron_cases(1500)
zone_cases()
