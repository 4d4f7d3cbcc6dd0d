import ArgumentParser

/// `DATABASE.TABLE`: a table of the catalog, as arguments name it.
struct TableName {
    let database: String
    let name: String

    var text: String { "\(database).\(name)" }

    init(argument: String) throws {
        let parts = argument.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ValidationError("name the table as DATABASE.TABLE") }
        (database, name) = (parts[0], parts[1])
    }
}
