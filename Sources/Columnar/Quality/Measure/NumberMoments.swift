/// Count, sum, mean and spread of numbers, put together batch by batch. Source of the update: Chan, Golub, LeVeque,
/// "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
struct NumberMoments {
    private(set) var count: Int64 = 0
    private(set) var mean = 0.0
    /// Sum of the squares of the differences from the mean.
    private var squares = 0.0
    /// The sum, and what rounding took from it (Neumaier).
    private var total = 0.0
    private var compensation = 0.0

    var sum: Double { total + compensation }
    /// Of the whole, not of a sample.
    var standardDeviation: Double { count == 0 ? .nan : (squares / Double(count)).squareRoot() }

    /// Adds some numbers, each `times` often.
    mutating func add(_ values: UnsafeBufferPointer<Double>) {
        guard !values.isEmpty else { return }
        var sum = 0.0
        for value in values { sum += value }
        let mean = sum / Double(values.count)
        var squares = 0.0
        for value in values { squares += (value - mean) * (value - mean) }
        merge(count: Int64(values.count), sum: sum, mean: mean, squares: squares)
    }

    /// Adds `count` numbers, each as often as `times` says.
    mutating func add(count: Int, _ value: (Int) -> Double, times: (Int) -> Int64) {
        var (total, sum) = (Int64(0), 0.0)
        for index in 0..<count {
            total += times(index)
            sum += value(index) * Double(times(index))
        }
        guard total > 0 else { return }
        let mean = sum / Double(total)
        var squares = 0.0
        for index in 0..<count {
            let difference = value(index) - mean
            squares += difference * difference * Double(times(index))
        }
        merge(count: total, sum: sum, mean: mean, squares: squares)
    }

    mutating func merge(count added: Int64, sum: Double, mean other: Double, squares others: Double) {
        guard added > 0 else { return }
        let new = total + sum
        compensation += total.magnitude >= sum.magnitude ? (total - new) + sum : (sum - new) + total
        total = new
        let all = count + added
        let difference = other - mean
        squares += others + difference * difference * Double(count) * Double(added) / Double(all)
        mean += difference * Double(added) / Double(all)
        count = all
    }
}
