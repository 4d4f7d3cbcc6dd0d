import AppConfig
import EventModel
import FunctionJSON
import FunctionProtocol
import Journal
import UVLoop

/// Targets that are another log of the host: a stream or a bus. No worker is asked; what is forwarded is an effect of
/// the attempt like one of a function, so that it is there exactly once, and with the event's lineage.
extension Dispatcher {
    /// Ends the attempt with its events forwarded. `payloads`: each event as its target wants it.
    func forward(_ context: AttemptContext, to target: ForwardDefinition, _ payloads: [[UInt8]]) {
        attemptStarted(UInt64(context.id.number))
        var report = AttemptReport(outcome: .success([]))
        do throws(Failure) {
            for (index, work) in context.attempt.works.enumerated() {
                let operation = try operation(target, work, payloads[index], of: context, index)
                context.effects.add(.init(record: index, operation: operation))
            }
        } catch {
            context.effects.removeAll()
            report.outcome = .failure(error)
        }
        let (id, ended) = (UInt64(context.id.number), report)
        // Not from within the pump that called this.
        LoopActor.submit { [weak self] in self?.attemptFinished(id, ended) }
    }

    private func operation(
        _ target: ForwardDefinition, _ work: Work, _ payload: [UInt8], of context: AttemptContext, _ index: Int
    ) throws(Failure) -> EffectSet.Operation {
        // An index of the attempt always has names.
        let id = (try? context.nextEventIDs(1, of: index))?.first ?? work.eventID
        switch target.kind {
        case .stream:
            let entry = Self.record(of: work, payload, for: target, changed: context.settings?.input != nil)
            guard let route = effects.router.current.streams[target.name] else {
                throw Failure(
                    code: "NoSuchStream", message: "there is no stream \(target.name); declare it in sluice.yaml")
            }
            do throws(PutRecordsEntry.Refusal) {
                _ = try PutRecordsEntry(entry).validate()
            } catch {
                throw Failure(code: "InvalidRecord", message: error.message, retry: false)
            }
            return .record(entry, id: id, shard: route.shard(for: ShardMap.hash(of: entry.partitionKey)))
        case .bus:
            guard effects.router.hasBus(target.name) else {
                throw Failure(
                    code: "NoSuchBus", message: "there is no event bus \(target.name); declare it in sluice.yaml")
            }
            guard let entry = Self.event(payload, for: target.name) else {
                throw Failure(
                    code: "InvalidEvent", message: "what goes to bus \(target.name) is no event", retry: false)
            }
            return .event(entry, id: id)
        }
    }

    /// The record of an event: its JSON, or what the target makes of it; of another stream's record the same data.
    private static func record(
        of work: Work, _ payload: [UInt8], for target: ForwardDefinition, changed: Bool
    ) -> PutRecordsRequest.Entry {
        let parts = StreamRecordText.Parts(work.payload)
        let key = target.partitionKeyPath.flatMap {
            EventReading.text(of: StreamFilter.subject(of: work.payload), path: $0)
        }
        let data = changed ? nil : parts?.data
        return PutRecordsRequest.Entry(
            stream: target.name, partitionKey: key ?? parts?.partitionKey ?? work.eventID,
            data: String(decoding: data ?? Base64.encode(payload), as: UTF8.self))
    }

    /// The event for another bus: with an id of its own, everything else as it is.
    private static func event(_ payload: [UInt8], for bus: String) -> PutEventsRequest.Entry? {
        guard let root = try? JSONDocument(parsing: payload).root, let source = root["source"]?.string,
            let type = root["detail-type"]?.string, let detail = root["detail"]
        else { return nil }
        return PutEventsRequest.Entry(
            bus: bus, source: source, detailType: type, detail: String(decoding: detail.sourceBytes, as: UTF8.self),
            resources: root["resources"]?.elements.compactMap(\.string) ?? [], time: root["time"]?.string)
    }
}
