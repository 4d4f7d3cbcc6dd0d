import CLinux

/// The part of the process' memory that is the program itself.
enum ProgramMemory {
    /// Gives back what the start of the program has touched of its own file, before a long piece of work begins.
    ///
    /// With Swift's runtime and Foundation in it the file is large, and the dynamic linker, the runtime's look-ups and
    /// the parsing of arguments pass over twenty megabytes of it, of which a conversion needs a third. A debug build
    /// keeps them, for the breakpoints in them.
    static func release() {
        #if !DEBUG
            clinux_return_program_pages()
        #endif
    }
}
