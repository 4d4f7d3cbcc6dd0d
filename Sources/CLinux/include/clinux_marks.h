#ifndef CLINUX_MARKS_H
#define CLINUX_MARKS_H
// Regular expressions over a text's places: what an expression has come to is a mask of 64 bits, one for each place of the text, and
// each of its parts is a few operations on that mask, whatever the text's length (Cameron et al., "Bitwise data parallelism in
// regular expression matching", 2014). An automaton has to wait for each byte's table before it can look the next one up.

#include <stddef.h>
#include <stdint.h>

/// What a step of a program does. A step is a number of 16 bits: what it does, the class above 3 bits, how often above 8.
enum {
    /// One byte of the class, so many times.
    CLINUX_MARKS_BYTE = 0,
    /// Bytes of the class, any number, but at least so many less one.
    CLINUX_MARKS_ANY = 1,
    /// A byte of the class or none, so many times.
    CLINUX_MARKS_MAYBE = 2,
    /// Alternatives begin, with class 1 one more that is nothing; the next begins; the last ends.
    CLINUX_MARKS_FORK = 3,
    CLINUX_MARKS_NEXT = 4,
    CLINUX_MARKS_JOIN = 5,
    /// Any number of items, which are bytes of the class with one of another class before or behind them. Instead of how often,
    /// the upper byte says the other class, and above 5 bits CLINUX_MARKS_LEADING and CLINUX_MARKS_EMPTY.
    CLINUX_MARKS_ITEMS = 6,
    /// So many bytes, of which the classes follow, a byte each and in all an even number of them. With a class that is not 0, which
    /// then tells where, one of so many fixed sequences, which follow.
    CLINUX_MARKS_LIST = 7,
};

/// Where a fixed sequence stands: anywhere, at the beginning of the text, at its end. Or what follows is no such sequence, but tells of
/// groups, so many times: a class, how many bytes of it there are, how many more there may be, and the class of the byte behind them.
enum { CLINUX_MARKS_ANYWHERE = 1, CLINUX_MARKS_FIRST = 2, CLINUX_MARKS_LAST = 3, CLINUX_MARKS_GROUPS = 4 };

/// A fixed sequence: how many bytes it has; some of its literal bytes, by which places are chosen where it is looked for, their number
/// and where they stand in it; a bit for each place of a literal byte, and for each of one of a class, which is one of the first
/// eight. Behind it for each place the literal, then for each place the bit of the class.
typedef struct {
    uint8_t size, chosen, at[4], byte[4];
    uint8_t literals[8], members[8];
} clinux_fixed;

/// Of items: that the byte of the other class comes first; that there may be no byte of the class. The classes have no byte in common
/// unless there may be none.
enum { CLINUX_MARKS_LEADING = 1, CLINUX_MARKS_EMPTY = 2 };

enum { CLINUX_MARKS_CLASSES = 32, CLINUX_MARKS_DEPTH = 8, CLINUX_MARKS_HEAD = 8 };

/// Whether a whole text matches a program: 1 or 0; -1 if that cannot be told, because the text has bytes beside ASCII, or the
/// processor has no such instructions.
///
/// A program begins with CLINUX_MARKS_HEAD bytes: the number of classes, how many bits its steps carry from 64 bytes to the next
/// (255: more than 64), the number of 16-bit numbers of all steps. Then for each eight classes 128 bytes, which tell of each ASCII byte the
/// classes it is in, and the steps.
int clinux_marks_match(const uint8_t *program, const uint8_t *text, size_t length);

#endif
