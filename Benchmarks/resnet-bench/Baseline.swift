// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlatform

/// The median of a time in an earlier measurement, and its noise, in milliseconds.
struct BaselineTime: BitwiseCopyable {
  /// What took the time, as JSON has the text; null for the whole run.
  var name = UnsafeRawBufferPointer(start: nil, count: 0)
  var median = 0.0
  var noise = 0.0
}

/// A measurement that `--json` wrote.
struct Baseline: ~Copyable {
  /// The whole run.
  private(set) var latency = BaselineTime()
  /// How it was made: the values of ``traitKeys`` as JSON has them, null if they are missing.
  private(set) var traits = InlineArray<5, UnsafeRawBufferPointer>(
    repeating: UnsafeRawBufferPointer(start: nil, count: 0))

  static var traitKeys: InlineArray<5, StaticString> {
    ["plan_sha256", "output_crc32c", "isa", "threads", "cpu"]
  }

  private static var maximumRows: Int { 1024 }

  private let file: MappedFile
  private let rows: Buffer<BaselineTime>
  private var rowCount = 0

  /// Reads a measurement.
  ///
  /// - Parameters:
  ///   - path: a word of the command line.
  ///   - steps: whether to take the times of the steps rather than those of the blocks.
  static func read(_ path: UnsafePointer<CChar>, steps: Bool) throws(BenchFailure) -> Baseline {
    var baseline = Baseline(try map(path), try shared(Buffer(count: maximumRows)))
    do throws(JSONError) {
      try baseline.read(rowsKey: steps ? "steps" : "blocks")
      return baseline
    } catch {
      throw .strangeBaseline(path, byte: error.byte, expected: error.expected)
    }
  }

  private static func map(_ path: UnsafePointer<CChar>) throws(BenchFailure) -> MappedFile {
    do throws(FileError) {
      return try MappedFile(path: path)
    } catch {
      throw .baseline(path, error)
    }
  }

  private init(_ file: consuming MappedFile, _ rows: consuming Buffer<BaselineTime>) {
    self.file = file
    self.rows = rows
  }

  /// The time of the row of some name: JSON text.
  func time(of name: TextLine) -> BaselineTime? {
    for index in 0..<rowCount
    where name.withUTF8({ rows.elements[index].name.equals($0) }) {
      return rows.elements[index]
    }
    return nil
  }

  private mutating func read(rowsKey: StaticString) throws(JSONError) {
    var scanner = JSONScanner(file.bytes)
    try scanner.object { key, scanner throws(JSONError) in
      if key.equals("latency_ms") {
        latency = try Baseline.time(&scanner, "median", "noise")
      } else if key.equals(rowsKey) {
        try scanner.array { scanner throws(JSONError) in try readRow(&scanner) }
      } else {
        let value = try scanner.value()
        for trait in traits.indices where key.equals(Baseline.traitKeys[trait]) {
          traits[trait] = value
        }
      }
    }
    try scanner.end()
    guard latency.median > 0 else { throw scanner.expected("latency_ms before the end") }
    guard rowCount > 0 else {
      throw scanner.expected(
        rowsKey.utf8CodeUnitCount == 5
          ? "steps before the end, as --per-step writes them" : "blocks before the end")
    }
  }

  private mutating func readRow(_ scanner: inout JSONScanner) throws(JSONError) {
    guard rowCount < Baseline.maximumRows else { throw scanner.expected("at most 1024 rows") }
    let row = try Baseline.time(&scanner, "median_ms", "noise_ms")
    guard row.name.baseAddress != nil else { throw scanner.expected("a name in the row before") }
    rows.elements[rowCount] = row
    rowCount += 1
  }

  /// Reads an object with a median, a noise and perhaps a name.
  private static func time(
    _ scanner: inout JSONScanner, _ medianKey: StaticString, _ noiseKey: StaticString
  ) throws(JSONError) -> BaselineTime {
    var result = BaselineTime(median: .nan, noise: .nan)
    try scanner.object { key, scanner throws(JSONError) in
      if key.equals(medianKey) {
        result.median = try scanner.number()
      } else if key.equals(noiseKey) {
        result.noise = try scanner.number()
      } else if key.equals("name") {
        result.name = try scanner.string()
      } else {
        _ = try scanner.value()
      }
    }
    guard result.median > 0, result.noise >= 0 else {
      throw scanner.expected("a median above 0 and a noise in the object before")
    }
    return result
  }
}
