// SPDX-License-Identifier: Apache-2.0

import CResNetFrameReader
import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// Prints the class of the frames of a stream, until it ends or a signal comes.
///
/// - **Allocates:** everything before the first frame.
func classifyFrames(
  _ arguments: borrowing Arguments, _ options: FrameOptions
) throws(RunFailure) -> Bool {
  let (word, width, height, format) = options.size!
  let converter: FrameConverter
  do throws(ImageError) {
    converter = try FrameConverter(
      width: width, height: height, format: format, stride: options.stride, matrix: options.matrix,
      range: options.range ?? (format == .yuv420 ? .full : .limited))
  } catch {
    throw .frame(word, error)
  }
  // Before the session: its threads may be bound to CPUs, this one is free.
  let reader = try FrameReader(
    arguments.images[0], frameBytes: converter.byteCount, latest: options.latest)
  var classifier = try shared(TimedClassifier(arguments))
  let input = try FrameInput(converter, classifier.base.preprocessing)
  let places = try shared(
    Buffer<Int>(count: min(arguments.top, classifier.base.session.plan.classCount)))
  var output = TextOutput()
  rn_ignore_sigpipe()

  var next = 0
  var classified = 0
  var item = reader.next()
  while let frame = item.frame {
    let number = Int(item.number)
    if number % options.every == 0 {
      classifier.run(frame, through: input)
      output.append(
        frame: number, dropped: number - next, classifier.base.top(places.elements), classifier,
        showsTop: arguments.showsTop)
      do throws(ToolFailure) {
        try output.endLine()
      } catch {
        // Whoever read the lines has gone, as `head` does.
        if case .standardOutput(EPIPE) = error { return true }
        throw .tool(error)
      }
      classified += 1
      next = number + 1
    }
    item = reader.next()
  }
  try report(item, reader, classified: classified)
  return true
}

/// Tells on standard error how a stream ended.
private func report(
  _ end: rn_frame, _ reader: borrowing FrameReader, classified: Int
) throws(RunFailure) {
  if end.end == RN_FRAME_END_BY_ERROR.rawValue { throw .stream(reader.path, errno: end.error) }
  if end.end == RN_FRAME_END_OF_STREAM.rawValue, end.number == 0 {
    throw .noFrame(reader.path, expected: reader.frameBytes, found: end.rest)
  }
  if end.rest > 0 {
    var line: TextLine = "\(reader.path): the stream ended within a frame: expected "
    line.append("\(reader.frameBytes) bytes, found \(end.rest)")
    tool.complain(line)
  }
  tool.complain("\(end.number) frames, \(classified) classified")
}

extension TextOutput {
  fileprivate mutating func append(
    frame: Int, dropped: Int, _ top: UnsafeBufferPointer<Int>,
    _ classifier: borrowing TimedClassifier, showsTop: Bool
  ) {
    let probabilities = classifier.base.probabilities()
    append("{\"frame\": \(frame), ")
    append(jsonClass: top[0], probabilities, classifier)
    if showsTop {
      append(", ")
      append(jsonTop: top, probabilities, classifier)
    }
    appendTimes(of: classifier)
    append(", \"dropped\": \(dropped)}")
  }
}
