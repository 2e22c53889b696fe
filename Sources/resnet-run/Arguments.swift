// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetRuntime

/// The command line, which lives as long as the process.
struct Arguments: ToolArguments, ~Copyable {
  enum Task {
    case classify
    case evaluate(UnsafePointer<CChar>)
    case frames(FrameOptions)
  }

  private(set) var options = SharedOptions()
  private(set) var task = Task.classify
  private(set) var json = false
  private(set) var top = 5
  /// Whether the number of classes was asked for.
  private(set) var showsTop = false
  /// Whether the kernels are to be listed.
  private(set) var isVerbose = false
  private(set) var features: UnsafePointer<CChar>?
  private(set) var logits: UnsafePointer<CChar>?
  private(set) var probabilities: UnsafePointer<CChar>?
  private(set) var outputs = OutputOptions()

  // Only the places that options leave behind: the files keep their order.
  private let files: Buffer<UnsafePointer<CChar>>
  private var fileCount = 0

  /// The plan's path.
  var model: UnsafePointer<CChar> { files.elements[0] }

  /// The images' paths.
  var images: UnsafeBufferPointer<UnsafePointer<CChar>> {
    UnsafeBufferPointer(rebasing: files.elements[min(1, fileCount)..<fileCount])
  }

  /// Whether so many images are to come that tuning the session pays: it takes as long as some ten inferences.
  var runsOften: Bool {
    if case .classify = task { images.count >= 64 } else { true }
  }

  /// Reads the arguments of the process.
  static func parse() throws(UsageError) -> Arguments {
    var words = ArgumentWords()
    var result = Arguments(files: try emptyFiles(words.count))
    try result.parse(&words)
    return result
  }

  private init(files: consuming Buffer<UnsafePointer<CChar>>) { self.files = files }

  private mutating func parse(_ words: inout ArgumentWords) throws(UsageError) {
    var hasTop = false
    var frames = FrameOptions()
    while let word = try options.nextWord(of: &words) {
      guard word.isOption else {
        files.elements[fileCount] = word.text
        fileCount += 1
        continue
      }
      if word.isNamed("--json") {
        json = true
      } else if word.isNamed("--top") {
        top = try words.number(of: word, in: 1...65536)
        hasTop = true
      } else if word.isNamed("--verbose") {
        isVerbose = true
      } else if word.isNamed("--features") {
        features = try words.value(of: word)
      } else if word.isNamed("--logits") {
        logits = try words.value(of: word)
      } else if word.isNamed("--probabilities") {
        probabilities = try words.value(of: word)
      } else if word.isNamed("--evaluate") {
        task = .evaluate(try words.value(of: word))
      } else if try outputs.take(word, &words) {
        continue
      } else if try frames.take(word, &words) {
        continue
      } else {
        throw .unknownOption(word.text)
      }
    }
    guard options.request == .work else { return }
    showsTop = hasTop
    if let raw = frames.raw {
      if case .evaluate = task { throw .both("--raw", "--evaluate") }
      if case .plain = raw.kind {
      } else if frames.strides.luma > 0 {
        throw .rule("--stride makes sense only with --raw WxH:FORMAT")
      }
      if case .mjpeg = raw.kind, frames.range != nil || frames.matrix != nil {
        throw .notWith("--raw mjpeg", "--range or --matrix")
      }
      task = .frames(frames)
    } else if let option = frames.firstOption {
      throw .onlyWith(option, "--raw")
    }
    try checkCombination(hasTop: hasTop)
  }

  private func checkCombination(hasTop: Bool) throws(UsageError) {
    guard fileCount > 0 else { throw .rule("expected a plan and images, found neither") }
    if case .frames = task {
      guard fileCount == 2 else {
        throw .rule("expected one file with frames after the plan, or - for standard input")
      }
      guard !writesVectors else {
        throw .both("--raw", "--features, --logits, --probabilities or --output")
      }
    } else if case .evaluate = task {
      guard fileCount == 1 else { throw .notWith("--evaluate", "images") }
      guard !hasTop else { throw .notWith("--evaluate", "--top") }
      guard !writesVectors else {
        throw .notWith("--evaluate", "--features, --logits, --probabilities or --output")
      }
    } else {
      guard fileCount > 1 else {
        throw .rule("expected at least one image after the plan, or --evaluate DIR")
      }
    }
    try outputs.validate()
    try checkFiles()
  }

  private var writesVectors: Bool {
    features != nil || logits != nil || probabilities != nil || !outputs.isEmpty
  }

  private func checkFiles() throws(UsageError) {
    let paths = try OutputPaths([
      NamedPath("--features", features), NamedPath("--logits", logits),
      NamedPath("--probabilities", probabilities), NamedPath("--tuning", options.tuningFile),
    ])
    try paths.check("the plan", model)
    let role: StaticString = if case .frames = task { "the frames" } else { "an image" }
    for image in images { try paths.check(role, input: image) }
    for index in 0..<outputs.count {
      let path = outputs.path(index)
      try paths.check("--output", path)
      let own = try OutputPaths([NamedPath("--output", path)])
      try own.check("the plan", model)
      for image in images { try own.check(role, input: image) }
      for other in 0..<index { try own.check("--output", outputs.path(other)) }
    }
  }

  private static func emptyFiles(_ count: Int) throws(UsageError)
    -> Buffer<UnsafePointer<CChar>>
  {
    do throws(ToolFailure) {
      return try Buffer(count: count)
    } catch {
      throw .outOfMemory
    }
  }
}
