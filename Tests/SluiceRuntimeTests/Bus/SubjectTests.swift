import AppConfig
import Journal
import SluiceRuntime
import Testing

@Suite("What events are about")
struct SubjectTests {
    private func subject(_ event: String) -> String { EventReading.subject(of: Array(event.utf8)) }

    @Test("An event is named by its object, its manifest, or what its outcome is of")
    func subjects() {
        #expect(subject(#"{"source":"shop","detail-type":"Order","detail":{}}"#) == "shop: Order")
        let object = #"{"bucket":{"name":"inbox"},"object":{"key":"a/b.csv"}}"#
        #expect(
            subject(#"{"source":"aws.s3","detail-type":"Object Created","detail":\#(object)}"#) == "inbox/a/b.csv")
        let manifest = #"{"manifest":{"bucket":"inbox","key":"two.manifest"},"files":[]}"#
        #expect(
            subject(#"{"source":"sluice.manifests","detail-type":"Manifest Incomplete","detail":\#(manifest)}"#)
                == "Manifest Incomplete: inbox/two.manifest")
        for (request, about) in [
            (#"{"id":"x","detail":\#(object)}"#, ": inbox/a/b.csv"), (#"{"id":"e-1","detail":{}}"#, ": event e-1"),
            ("null", ""),
        ] {
            let detail =
                #"{"requestContext":{"functionArn":"arn:aws:lambda:r:0:function:Load:3"},"requestPayload":\#(request)}"#
            let type = "Lambda Function Invocation Result - Failure"
            #expect(
                subject(#"{"source":"lambda","detail-type":"\#(type)","detail":\#(detail)}"#)
                    == "failure of Load\(about)")
        }
        #expect(
            subject(#"{"source":"lambda","detail-type":"Lambda Function Invocation Result - Success","detail":{}}"#)
                == "lambda: Lambda Function Invocation Result - Success")
    }
}
