"""SHA-256 of each argument's UTF-8, a line each."""
import hashlib, sys

for text in sys.argv[1:]:
    print(hashlib.sha256(text.encode()).hexdigest())
