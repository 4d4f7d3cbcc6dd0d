/// An alarm of `Events/alarms/*.yaml`, in CloudWatch's words: what is watched, and when it counts as wrong. Either
/// `threshold` or `expectedFile` is there.
package struct AlarmDefinition: Codable, Sendable, Hashable {
    /// What can be measured. Counts of attempts are those of one period; everything else is how it stands.
    package enum Metric: String, Codable, Sendable, CaseIterable {
        /// Dead letters that nobody has redriven or purged.
        case deadLetters = "DeadLetters"
        /// Seconds since the acceptance of the oldest event that is not settled.
        case oldestEventAge = "OldestEventAge"
        /// Events that wait, in the log or to be tried again.
        case waitingEvents = "WaitingEvents"
        /// Targets held back by hand or by their circuit breaker.
        case pausedTargets = "PausedTargets"
        /// Attempts in a period.
        case invocations = "Invocations"
        /// Failed attempts in a period.
        case errors = "Errors"
        /// Failed attempts of a period in a hundred; no value where there was no attempt.
        case errorRate = "ErrorRate"
        /// Megabytes free on the data folder's disk.
        case freeDiskSpace = "FreeDiskSpace"
        /// Matched events that the journal cannot account for: conservation, always 0.
        case unaccountedDeliveries = "UnaccountedDeliveries"

        /// Failures of what alarms have caused are not counted, so that an alarm cannot keep itself going.
        package var isWindowed: Bool {
            switch self {
            case .invocations, .errors, .errorRate: true
            default: false
            }
        }

        /// It can be restricted to a function or rule.
        package var hasDimensions: Bool { self != .freeDiskSpace }
    }

    /// How the metric is compared with the threshold, in CloudWatch's words.
    package enum Comparison: String, Codable, Sendable, CaseIterable {
        case greater = "GreaterThanThreshold"
        case greaterOrEqual = "GreaterThanOrEqualToThreshold"
        case less = "LessThanThreshold"
        case lessOrEqual = "LessThanOrEqualToThreshold"

        package func holds(_ value: Double, _ threshold: Double) -> Bool {
            switch self {
            case .greater: value > threshold
            case .greaterOrEqual: value >= threshold
            case .less: value < threshold
            case .lessOrEqual: value <= threshold
            }
        }

        package var inWords: String {
            switch self {
            case .greater: "above"
            case .greaterOrEqual: "at or above"
            case .less: "below"
            case .lessOrEqual: "at or below"
            }
        }
    }

    /// What a period without a value counts as.
    package enum MissingData: String, Codable, Sendable, CaseIterable {
        case notBreaching, breaching
        /// The period does not count at all.
        case ignore
    }

    /// Restricts a metric; nil does not.
    package struct Dimensions: Codable, Sendable, Hashable {
        package var function: String?
        package var bus: String?
        package var rule: String?
        package var target: String?

        package init(function: String? = nil, bus: String? = nil, rule: String? = nil, target: String? = nil) {
            self.function = function
            self.bus = bus
            self.rule = rule
            self.target = target
        }

        package var isEmpty: Bool { self == Dimensions() }
    }

    /// A metric beyond a threshold in `datapointsToAlarm` of the last `evaluationPeriods` periods.
    package struct Threshold: Codable, Sendable, Hashable {
        package var metric: Metric
        package var dimensions: Dimensions
        package var comparison: Comparison
        package var threshold: Double
        /// Once in alarm a period counts as wrong until the value passes this one; nil: the threshold itself.
        package var recoveryThreshold: Double?
        package var periodSeconds: Int
        package var evaluationPeriods: Int
        package var datapointsToAlarm: Int
        package var missingData: MissingData

        package init(
            metric: Metric, dimensions: Dimensions = Dimensions(), comparison: Comparison = .greater,
            threshold: Double, recoveryThreshold: Double? = nil, periodSeconds: Int = 60, evaluationPeriods: Int = 1,
            datapointsToAlarm: Int? = nil, missingData: MissingData = .notBreaching
        ) {
            self.metric = metric
            self.dimensions = dimensions
            self.comparison = comparison
            self.threshold = threshold
            self.recoveryThreshold = recoveryThreshold
            self.periodSeconds = periodSeconds
            self.evaluationPeriods = evaluationPeriods
            self.datapointsToAlarm = datapointsToAlarm ?? evaluationPeriods
            self.missingData = missingData
        }
    }

    /// An object that must have arrived by certain moments.
    package struct ExpectedFile: Codable, Sendable, Hashable {
        package var bucket: String
        /// What takes its `Object Created` events, as JSON text.
        package var pattern: String
        /// The moments by which it must be there.
        package var deadline: ScheduleDefinition
        /// How long before a deadline it may arrive; nil: since the deadline before.
        package var withinSeconds: Int?

        package init(bucket: String, pattern: String, deadline: ScheduleDefinition, withinSeconds: Int? = nil) {
            self.bucket = bucket
            self.pattern = pattern
            self.deadline = deadline
            self.withinSeconds = withinSeconds
        }
    }

    package var name: String
    package var description: String
    /// Where its state changes are told.
    package var bus: String
    package var enabled: Bool
    package var threshold: Threshold?
    package var expectedFile: ExpectedFile?
    /// The file it comes from, beneath the app folder.
    package var file: String

    package init(
        name: String, description: String = "", bus: String = "default", enabled: Bool = true,
        threshold: Threshold? = nil, expectedFile: ExpectedFile? = nil, file: String = ""
    ) {
        self.name = name
        self.description = description
        self.bus = bus
        self.enabled = enabled
        self.threshold = threshold
        self.expectedFile = expectedFile
        self.file = file
    }

    /// What it watches, in one phrase.
    package var inWords: String {
        if let file = expectedFile {
            return "a file in \(file.bucket) by \(file.deadline.expression) \(file.deadline.timezone)"
        }
        guard let threshold else { return "nothing" }
        let dimensions = threshold.dimensions
        let scope = [dimensions.function, dimensions.bus, dimensions.rule, dimensions.target].compactMap(\.self)
        let number = threshold.threshold
        let limit = number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
        let periods =
            threshold.evaluationPeriods == 1
            ? "\(threshold.periodSeconds) s"
            : "\(threshold.datapointsToAlarm) of \(threshold.evaluationPeriods) × \(threshold.periodSeconds) s"
        return "\(threshold.metric.rawValue)" + (scope.isEmpty ? "" : " of " + scope.joined(separator: "/"))
            + " \(threshold.comparison.inWords) \(limit) for \(periods)"
    }
}

/// The events of alarms, as CloudWatch has them
/// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html).
package enum AlarmEvents {
    package static let source = "aws.cloudwatch"
    package static let detailType = "CloudWatch Alarm State Change"

    package static func resource(_ name: String) -> String {
        "arn:aws:cloudwatch:local:000000000000:alarm:\(name)"
    }
}
