// `import FunctionKit` is enough for a handler: events and JSON come with it.
@_exported public import EventModel
@_exported public import FunctionJSON
