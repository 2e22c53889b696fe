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
/// - **Allocates:** everything before the first frame; for JPEG images what decoding needs.
func classifyFrames(
  _ arguments: borrowing Arguments, _ options: FrameOptions
) throws(RunFailure) -> Bool {
  let raw = options.raw!
  let source = try FrameSource(arguments.images[0])
  var (size, header) = ((width: 0, height: 0, format: FrameFormat.yuv420), rn_y4m())
  switch raw.kind {
  case .mjpeg: return try classifyImages(arguments, options, source)
  case .plain(let width, let height, let format):
    size = (width, height, format)
    header.is_full = format == .yuv420 || format == .gray8 ? 1 : 0
  case .y4m:
    var code: Int32 = 0
    if let wrong = rn_read_y4m(source.descriptor, &header, &code) {
      guard code == 0 else { throw .stream(source.path, errno: code) }
      throw .header(source.path, wrong)
    }
    size = (Int(header.width), Int(header.height), FrameFormat(header))
  }
  let range: ColourRange = options.range ?? (header.is_full == 1 ? .full : .limited)
  let matrix: ColourMatrix = options.matrix ?? (header.is_bt709 == 1 ? .bt709 : .bt601)
  let shape = rn_frame_shape(size.format, size.width, size.height)
  var strides = options.strides
  if case .plain = raw.kind, strides.luma == 0, let found = findStrides(shape, source) {
    strides = found
  }
  let converter: FrameConverter
  do throws(ImageError) {
    converter = try FrameConverter(
      width: size.width, height: size.height, format: size.format, stride: strides.luma,
      chromaStride: strides.chroma, matrix: matrix, range: range)
  } catch {
    throw .frame(raw.word, error)
  }
  if options.range == nil, header.is_full != 1 || size.format != .gray8, size.format.hasRange {
    tellColours(raw.word, range, matrix)
  }
  let padding: FrameWork.Padding? =
    header.width > 0
    ? nil : (shape: shape, stride: strides.luma, isFile: source.fileBytes != nil)
  let saver = try makeSaver(options)
  // Before the session: its threads may be bound to CPUs, this one is free.
  let reader = try FrameReader(
    source, header.width > 0 ? RN_FRAME_STREAM_Y4M : RN_FRAME_STREAM_RAW,
    frameBytes: converter.byteCount, latest: options.latest)
  var classifier = try shared(TimedClassifier(arguments))
  let input: FrameInput
  do throws(ImageError) {
    input = try FrameInput(converter, classifier.base.preprocessing)
  } catch {
    throw .frame(raw.word, error)
  }
  var work = FrameWork(input: input, padding: padding, saver: saver)
  return try classifyEach(arguments, options, reader, &classifier, shape, &work)
}

/// The same for JPEG images.
private func classifyImages(
  _ arguments: borrowing Arguments, _ options: FrameOptions, _ source: consuming FrameSource
) throws(RunFailure) -> Bool {
  let saver = try makeSaver(options)
  let reader = try FrameReader(
    source, RN_FRAME_STREAM_JPEG, frameBytes: 1 << 24, latest: options.latest)
  var classifier = try shared(TimedClassifier(arguments))
  var work = FrameWork(input: nil, padding: nil, saver: saver)
  return try classifyEach(arguments, options, reader, &classifier, rn_frame_shape(), &work)
}

/// What is done with each frame.
private struct FrameWork: ~Copyable {
  typealias Padding = (shape: rn_frame_shape, stride: Int, isFile: Bool)

  /// Nil for JPEG images.
  var input: FrameInput?
  /// What the first frame is looked at for; then nil.
  var padding: Padding?
  /// Nil if frames are not saved.
  var saver: FrameSaver?

  /// Classifies a frame.
  mutating func run(
    _ frame: rn_frame, _ classifier: inout TimedClassifier
  ) throws(ImageError) {
    if let (shape, stride, isFile) = padding {
      tellPadding(shape, stride, frame, isFile: isFile)
      padding = nil
    }
    let encoded = UnsafeRawBufferPointer(start: frame.frame, count: frame.size)
    try classifier.run { (base) throws(ImageError) in
      if input?.read(frame.frame!, into: base.pixels.baseAddress!) == nil {
        try base.prepare(RGBImage(encoded: encoded))
      }
    }
  }

  /// Saves the frame that was classified last, if that is asked for.
  mutating func save(_ frame: rn_frame) throws(RunFailure) {
    guard saver != nil else { return }
    let saved: Void? = try input?.withImage { (image) throws(RunFailure) in
      try saver!.save(image)
    }
    if saved == nil {
      try saver!.save(encoded: UnsafeRawBufferPointer(start: frame.frame, count: frame.size))
    }
  }
}

private func makeSaver(_ options: FrameOptions) throws(RunFailure) -> FrameSaver? {
  guard let folder = options.save else { return nil }
  return try FrameSaver(folder)
}

/// Classifies frames, those that can be read.
private func classifyEach(
  _ arguments: borrowing Arguments, _ options: FrameOptions, _ reader: borrowing FrameReader,
  _ classifier: inout TimedClassifier, _ shape: rn_frame_shape, _ work: inout FrameWork
) throws(RunFailure) -> Bool {
  try requireLogits(classifier, arguments, for: "--raw")
  let places = try shared(
    Buffer<Int>(count: min(arguments.top, classifier.base.session.plan.classCount)))
  var output = TextOutput()
  rn_ignore_sigpipe()

  var (next, classified, damaged) = (0, 0, 0)
  var item = reader.next()
  while item.frame != nil {
    let number = Int(item.number)
    if number % options.every == 0 {
      do throws(ImageError) {
        try work.run(item, &classifier)
      } catch {
        // The first tells what is wrong, the end how many there were.
        if damaged == 0 { tool.complain("\(reader.source.path): frame \(number): \(error)") }
        damaged += 1
        item = reader.next()
        continue
      }
      try work.save(item)
      output.append(
        frame: number, dropped: number - next, classifier.base.top(places.elements), classifier,
        showsTop: arguments.showsTop)
      classified += 1
      do throws(ToolFailure) {
        try output.endLine()
      } catch {
        // Whoever read the lines has gone, as `head` does.
        if case .standardOutput(EPIPE) = error { return true }
        throw .tool(error)
      }
      next = number + 1
    }
    item = reader.next()
  }
  try report(item, reader, shape, classified: classified, damaged: damaged)
  return true
}

/// Tells on standard error how a stream ended.
private func report(
  _ end: rn_frame, _ reader: borrowing FrameReader, _ shape: rn_frame_shape, classified: Int,
  damaged: Int
) throws(RunFailure) {
  let path = reader.source.path
  if end.end == RN_FRAME_END_BY_ERROR.rawValue {
    if end.error == EBADMSG { throw .frames(path, "expected a line FRAME before each frame") }
    throw .stream(path, errno: end.error)
  }
  if end.end == RN_FRAME_END_OF_STREAM.rawValue, end.number == 0 {
    // Of JPEG images only the greatest size is known.
    if shape.rows == 0 { throw .frames(path, "expected JPEG images, found none that is whole") }
    throw .noFrame(path, expected: reader.frameBytes, found: end.rest)
  }
  if damaged > 0, classified == 0 {
    throw .frames(path, "expected frames that can be read, found none")
  }
  if end.rest > 0 {
    var line: TextLine = "\(path): the stream ended within a frame"
    if shape.rows > 0 {
      line.append(": expected \(reader.frameBytes) bytes, found \(end.rest)")
      line.append(
        strides: shape, fitting: Int(end.number) * reader.frameBytes + end.rest)
    }
    tool.complain(line)
  }
  var line: TextLine = "\(end.number) frames, \(classified) classified"
  if damaged > 0 { line.append(", \(damaged) damaged and left out") }
  tool.complain(line)
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
    appendUnknown(classifier)
    appendTimes(of: classifier)
    append(", \"dropped\": \(dropped)}")
  }
}
