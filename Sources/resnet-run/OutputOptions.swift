// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPhotoTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// Which outputs go to files, and how.
struct OutputOptions {
  enum Format { case float32, uint8 }

  /// How many outputs a plan has, and so a command, at most.
  static var limit: Int { 64 }

  /// Words `NAME=FILE`.
  private var words = InlineArray<64, UnsafePointer<CChar>?>(repeating: nil)
  private(set) var count = 0
  private(set) var folder: UnsafePointer<CChar>?
  private(set) var format = Format.float32
  private(set) var layout = PlanOutput.Layout.nchw
  /// The first option of these, for errors.
  private var firstStyle: StaticString?

  /// Whether anything is to be written.
  var isEmpty: Bool { count == 0 && folder == nil }

  /// Takes an option and its value; false if it is none of these.
  mutating func take(
    _ word: ArgumentWords.Word, _ words: inout ArgumentWords
  ) throws(UsageError) -> Bool {
    if word.isNamed("--output") {
      let value = try words.value(of: word)
      guard let split = strchr(value, 0x3D), split != value, split[1] != 0 else {
        throw .value(word.text, expected: "NAME=FILE.npy", found: value)
      }
      guard count < OutputOptions.limit else { throw .rule("expected at most 64 --output") }
      self.words[count] = value
      count += 1
    } else if word.isNamed("--output-dir") {
      folder = try words.value(of: word)
    } else if word.isNamed("--output-format") {
      let value = try words.value(of: word)
      firstStyle = firstStyle ?? "--output-format"
      if equal(value, "uint8") {
        format = .uint8
      } else if !equal(value, "float32") {
        throw .value(word.text, expected: "float32 or uint8", found: value)
      }
    } else if word.isNamed("--output-layout") {
      let value = try words.value(of: word)
      firstStyle = firstStyle ?? "--output-layout"
      if equal(value, "nhwc") {
        layout = .nhwc
      } else if !equal(value, "nchw") {
        throw .value(word.text, expected: "nchw or nhwc", found: value)
      }
    } else {
      return false
    }
    return true
  }

  /// Checks that formats are said of files only.
  func validate() throws(UsageError) {
    if isEmpty, let firstStyle { throw .onlyWith(firstStyle, "--output or --output-dir") }
  }

  /// The file of an `--output`, `0..<count`.
  func path(_ index: Int) -> UnsafePointer<CChar> { UnsafePointer(split(index)) + 1 }

  /// The name of an `--output`.
  func name(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let word = words[index]!
    let start = UnsafeRawPointer(word).assumingMemoryBound(to: UInt8.self)
    return UnsafeBufferPointer(start: start, count: UnsafePointer(split(index)) - word)
  }

  private func split(_ index: Int) -> UnsafeMutablePointer<CChar> { strchr(words[index]!, 0x3D)! }

  private func equal(_ text: UnsafePointer<CChar>, _ other: StaticString) -> Bool {
    strcmp(text, other.cString) == 0
  }
}

/// The files of outputs that the command line asks for.
struct OutputFiles: ~Copyable {
  private var files = InlineArray<64, NumPyFile?> { _ in nil }
  private var count = 0

  init() {}

  /// Creates the files, under temporary names.
  mutating func open(
    _ options: OutputOptions, _ model: UnsafePointer<CChar>, _ plan: borrowing Plan, images: Int
  ) throws(RunFailure) {
    for index in 0..<options.count {
      let name = options.name(index)
      guard let found = plan.view.output(named: name) else {
        throw .unknownOutput(model, name, OutputNames(plan.view, 0..<plan.outputCount))
      }
      try append(options.path(index), plan.output(at: found), options, model, plan, images)
    }
    guard let folder = options.folder else { return }
    if mkdir(folder, 0o777) != 0, rn_errno() != EEXIST {
      throw .folders(.folder(folder, errno: rn_errno()))
    }
    for index in 0..<plan.outputCount {
      let output = plan.output(at: index)
      let path = try shared(lastingPath(folder, plan.cName(of: output)))
      try append(path, output, options, model, plan, images)
    }
  }

  private mutating func append(
    _ path: UnsafePointer<CChar>, _ output: PlanOutput, _ options: OutputOptions,
    _ model: UnsafePointer<CChar>, _ plan: borrowing Plan, _ images: Int
  ) throws(RunFailure) {
    guard count < OutputOptions.limit else { throw .tooManyOutputs(model) }
    guard options.format == .float32 || output.format == .uint8 else {
      throw .noBytes(model, OutputNames(plan.view, output.index..<output.index + 1))
    }
    let isVector = plan.view.output(output.index).role != .other
    files[count] = try shared(
      NumPyFile(path, output, isVector: isVector, options, images: images))
    count += 1
  }

  /// Appends the outputs of the last image.
  mutating func append(_ session: borrowing Session) throws(ToolFailure) {
    for index in 0..<count { try files[index]?.append(session) }
  }

  mutating func close() throws(ToolFailure) {
    for index in 0..<count { try files[index]?.close() }
  }

  /// Gives the closed files their names.
  mutating func publish() throws(ToolFailure) {
    for index in 0..<count { try files[index]?.publish() }
  }
}

/// The names of outputs, separated by commas, for an error that outlives the plan: the text lives as long as the
/// process.
struct OutputNames {
  let text: UnsafePointer<CChar>

  init(_ plan: PlanView, _ outputs: Range<Int>) {
    func name(_ index: Int) -> UnsafePointer<CChar> { plan.name(plan.output(index).name) }
    var size = 1
    for index in outputs { size += strlen(name(index)) + 2 }
    guard let memory = malloc(size)?.bindMemory(to: CChar.self, capacity: size) else {
      text = ("other outputs" as StaticString).cString
      return
    }
    memory[0] = 0
    for index in outputs {
      if index > outputs.lowerBound { strcat(memory, (", " as StaticString).cString) }
      strcat(memory, name(index))
    }
    text = UnsafePointer(memory)
  }
}

/// `FOLDER/NAME.npy`, with an underscore for each slash of the name; it lives as long as the process, since errors
/// tell of it.
private func lastingPath(
  _ folder: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>
) throws(ToolFailure) -> UnsafePointer<CChar> {
  let (start, count) = (strlen(folder) + 1, strlen(name))
  let size = start + count + 5
  guard let path = malloc(size)?.bindMemory(to: CChar.self, capacity: size) else {
    throw .outOfMemory(bytes: size)
  }
  strcpy(path, folder)
  path[start - 1] = 0x2F
  for index in 0..<count { path[start + index] = name[index] == 0x2F ? 0x5F : name[index] }
  strcpy(path + start + count, (".npy" as StaticString).cString)
  return UnsafePointer(path)
}
