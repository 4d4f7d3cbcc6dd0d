/// How much of the journal is read at a time, where whole events are.
enum JournalPage {
    /// Of payloads: events may have a megabyte, and several readers run at once.
    static let bytes = 8 << 20
}
