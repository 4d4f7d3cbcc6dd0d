import HostAPI
import HTTPTypes
import Hummingbird
import NIOCore

/// The route table, each route bound to its call.
enum GatewayRoutes {
    typealias Context = GatewayContext

    /// The largest request: a batch of events.
    static let bodyLimit = 8 << 20

    static func router(_ control: any HostControl) -> Router<Context> {
        let router = Router(context: Context.self)
        addHost(to: router, control)
        addEvents(to: router, control)
        addFunctions(to: router, control)
        addDeadLetters(to: router, control)
        addReplays(to: router, control)
        addStores(to: router, control)
        StreamRoutes.add(to: router, control)
        AWSEndpoint.add(to: router, control)
        addRest(to: router)
        return router
    }

    /// What is open to all who reach the TCP port: what AWS's clients ask for, whether the host is there, and its
    /// metrics.
    static func producerRouter(_ control: any HostControl) -> Router<Context> {
        let router = Router(context: Context.self)
        answer(Routes.health, on: router) { _ in try await control.health() }
        addMetrics(to: router, control)
        AWSEndpoint.add(to: router, control)
        addRest(to: router)
        return router
    }

    /// Everything else: people try what their AWS client can do, and an answer without a body says nothing.
    private static func addRest(to router: Router<Context>) {
        for method in [HTTPRequest.Method.get, .head, .post, .put, .delete] {
            for path in ["", "**"] where method != .post || !path.isEmpty {
                router.on(RouterPath(path), method: method) { request, _ in
                    let answer = try OtherServices.refusal(of: request) ?? nothing(at: request)
                    // A client would take the body of such an answer for the next one.
                    return method == .head ? answer.createHeadResponse() : answer
                }
            }
        }
    }

    private static func nothing(at request: Request) throws -> Response {
        try failure(
            APIError(
                status: 404, code: "NotFound",
                message: "there is no \(request.method.rawValue) \(AWSError.shown(request.uri.path)) here",
                hint: "buckets are folders: there is no S3, SQS or Lambda API. AWS's clients may put events "
                    + "(EventBridge's PutEvents) and use Kinesis; /metrics and /v1/health answer GET"))
    }

    private static func addMetrics(to router: Router<Context>, _ control: any HostControl) {
        router.get(RouterPath(Routes.metrics.template)) { _, _ in
            do {
                let text = try await control.metrics()
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            } catch {
                return try failure(error)
            }
        }
    }

    private static func addHost(to router: Router<Context>, _ control: any HostControl) {
        answer(Routes.health, on: router) { _ in try await control.health() }
        answer(Routes.status, on: router) { _ in try await control.status() }
        answer(Routes.resume, on: router) { try await control.resume($0.body()) }
        answer(Routes.deploy, on: router) { try await control.deploy($0.body()) }
        answer(Routes.doctor, on: router) { _ in try await control.doctor() }
        addMetrics(to: router, control)
        answer(Routes.backup, on: router) { try await control.backup($0.body()) }
    }

    private static func addEvents(to router: Router<Context>, _ control: any HostControl) {
        answerBytes(Routes.putEvents, on: router) { call in
            // Kept while the journal works: without what parsing made of the body, which may be ten times as large.
            try await control.putEvents(EventSubmission(entries: submission(call.bytes()).entries)).json
        }
        answer(Routes.listEvents, on: router) { call in
            try await control.listEvents(EventQuery(query: call.query), page: PageRequest(query: call.query))
        }
        answer(Routes.event, on: router) { try await control.event(id: $0.parameter("id")) }
        answer(Routes.trace, on: router) { try await control.trace(id: $0.parameter("id")) }
        stream(Routes.tailEvents, on: router) { try await control.tailEvents(EventQuery(query: $0.query)) }
        answer(Routes.listRules, on: router) { Items(try await control.listRules(bus: $0.query.string("bus"))) }
        answer(Routes.rule, on: router) {
            try await control.rule(bus: $0.parameter("bus"), name: $0.parameter("rule"))
        }
        answer(Routes.pauseRule, on: router) {
            try await control.pauseRule(
                bus: $0.parameter("bus"), name: $0.parameter("rule"), request: $0.body())
        }
        answer(Routes.testRules, on: router) { try await control.testRules($0.body()) }
        answer(Routes.listManifests, on: router) { _ in Items(try await control.listManifests()) }
        answer(Routes.listAlarms, on: router) { _ in Items(try await control.listAlarms()) }
        answer(Routes.listSchedules, on: router) { call in
            Items(try await control.listSchedules(count: call.query.integer("count", in: 1...1000) ?? 1))
        }
    }

    /// The events of a producer's request.
    static func submission(_ body: [UInt8]) throws(APIError) -> EventSubmission {
        let submission = try EventSubmission(json: body)
        guard (1...EventSubmission.maximumEntries).contains(submission.entries.count) else {
            throw APIError.invalidRequest(
                "a submission must have between 1 and \(EventSubmission.maximumEntries) entries, this one has "
                    + "\(submission.entries.count)")
        }
        return submission
    }

    private static func addFunctions(to router: Router<Context>, _ control: any HostControl) {
        answer(Routes.listFunctions, on: router) { _ in Items(try await control.listFunctions()) }
        answer(Routes.function, on: router) { try await control.function(name: $0.parameter("function")) }
        answer(Routes.invoke, on: router) {
            try await control.invoke(function: $0.parameter("function"), request: $0.body())
        }
        answer(Routes.listInvocations, on: router) { call in
            try await control.listInvocations(InvocationQuery(query: call.query), page: PageRequest(query: call.query))
        }
        answer(Routes.invocation, on: router) { try await control.invocation(requestID: $0.parameter("requestID")) }
        stream(Routes.logs, on: router) { try await control.logs(LogQuery(query: $0.query)) }
    }

    private static func addDeadLetters(to router: Router<Context>, _ control: any HostControl) {
        answer(Routes.deadLetterGroups, on: router) { _ in Items(try await control.deadLetterGroups()) }
        answer(Routes.listDeadLetters, on: router) { call in
            try await control.listDeadLetters(
                DeadLetterSelection(query: call.query), page: PageRequest(query: call.query))
        }
        answer(Routes.deadLetter, on: router) { call in
            let text = try call.parameter("id")
            guard let id = Int64(text) else {
                throw APIError.invalidRequest("the id of a dead letter is a number, not `\(text)`")
            }
            return try await control.deadLetter(id: id)
        }
        answer(Routes.redrive, on: router) { try await control.redrive($0.body()) }
        answer(Routes.redriveJob, on: router) { try await control.redriveJob(id: $0.parameter("id")) }
        answer(Routes.purge, on: router) { try await control.purge($0.body()) }
        answer(Routes.listRedrives, on: router) { _ in Items(try await control.listRedrives()) }
        answer(Routes.redriveOutcomes, on: router) { call in
            let page = try call.query.integer("page", in: 1...Int.max) ?? 1
            return Items(try await control.redriveOutcomes(id: try call.parameter("id"), page: page))
        }
        answer(Routes.cancelRedrive, on: router) { try await control.cancelRedrive(id: $0.parameter("id")) }
        answer(Routes.reproduce, on: router) { call in
            let text = try call.parameter("id")
            guard let id = Int64(text) else {
                throw APIError.invalidRequest("the id of a dead letter is a number, not `\(text)`")
            }
            return try await control.reproduce(deadLetter: id)
        }
    }

    private static func addReplays(to router: Router<Context>, _ control: any HostControl) {
        answer(Routes.startReplay, on: router) { try await control.startReplay($0.body()) }
        answer(Routes.listReplays, on: router) { _ in Items(try await control.listReplays()) }
        answer(Routes.replay, on: router) { try await control.replay(name: $0.parameter("name")) }
        answer(Routes.cancelReplay, on: router) { try await control.cancelReplay(name: $0.parameter("name")) }
    }

    private static func addStores(to router: Router<Context>, _ control: any HostControl) {
        answer(Routes.listBuckets, on: router) { _ in Items(try await control.listBuckets()) }
        answer(Routes.trigger, on: router) {
            try await control.trigger(bucket: $0.parameter("bucket"), request: $0.body())
        }
        answer(Routes.listTriggers, on: router) { _ in Items(try await control.listTriggers()) }
        answer(Routes.triggerJob, on: router) { try await control.triggerJob(id: $0.parameter("id")) }
        answer(Routes.cancelTrigger, on: router) { try await control.cancelTrigger(id: $0.parameter("id")) }
        answer(Routes.lifecycle, on: router) { Items(try await control.lifecycle($0.body())) }
        answer(Routes.listTables, on: router) {
            Items(try await control.listTables(database: $0.query.string("database")))
        }
        answer(Routes.table, on: router) {
            try await control.table(database: $0.parameter("database"), name: $0.parameter("table"))
        }
        answer(Routes.dropTable, on: router) {
            try await control.dropTable(
                database: $0.parameter("database"), name: $0.parameter("table"), request: $0.body())
        }
    }
}
