// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlatform
import Testing

@Suite struct LineWritingTests {
  @Test func aFullLineStillEndsInANewline() throws {
    let pipe = Pipe()
    var line = TextLine()
    for _ in 0..<TextLine.capacity + 1 { line.append("x") }
    let wasWritten = line.writeLine(to: pipe.fileHandleForWriting.fileDescriptor)
    #expect(wasWritten)
    #expect(line.count == 0)
    try pipe.fileHandleForWriting.close()
    let written = pipe.fileHandleForReading.readDataToEndOfFile()
    #expect(written.count == TextLine.capacity)
    #expect(written.last == UInt8(ascii: "\n"))
    #expect(written.dropLast().allSatisfy { $0 == UInt8(ascii: "x") })
  }

  @Test func aDescriptorThatRefusesIsReported() throws {
    // A descriptor open for reading alone.
    let pipe = Pipe()
    var line = TextLine()
    line.append("x")
    let wasWritten = line.write(to: pipe.fileHandleForReading.fileDescriptor)
    #expect(!wasWritten)
    #expect(line.count == 0)
  }
}
