import SluiceRuntime
import Testing

@Suite("Places in backtraces")
struct SourceFrameTests {
    @Test("What llvm-symbolizer prints is read: inlined functions, checks that fail, what the compiler made")
    func frames() {
        let output = """
            [{"Address":"0x14b8","ModuleName":"libL.so","Symbol":[
              {"Column":0,"FileName":"/<compiler-generated>","Line":0,
               "FunctionName":"Swift runtime failure: arithmetic overflow"},
              {"Column":18,"FileName":"/home/me/app/Functions/L/L.swift","FunctionName":"$s1L5named","Line":19}]},
             {"Address":"0x10","ModuleName":"libL.so","Symbol":[{"FileName":"","FunctionName":"","Line":0}]},
             {"Address":"0x11","ModuleName":"libL.so","Error":{"Message":"no such file"}}]
            """
        let frames = SourceFrame.frames(of: Array(output.utf8))
        #expect(frames[0x14b8]?.map(\.trap) == ["arithmetic overflow", nil])
        #expect(frames[0x14b8]?.map(\.place) == [nil, "L/L.swift:19"])
        #expect(frames[0x10]?.map(\.place) == [nil] && frames[0x11] == [])
    }

    @Test(
        "Whatever else it prints, there are no places",
        arguments: ["", "{}", "[{\"Address\":\"12\"}]", "[{\"Address\":\"0xzz\"}]", "LLVM ERROR: out of memory"])
    func damaged(output: String) {
        #expect(SourceFrame.frames(of: Array(output.utf8)).isEmpty)
    }
}
