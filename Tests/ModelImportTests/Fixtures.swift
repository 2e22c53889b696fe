// SPDX-License-Identifier: Apache-2.0

import CResNetZip
import Foundation
import ResNetModelGraph
import ResNetModelImport
import Testing

/// Reads the checkpoint whose file has the contents `bytes`.
func load(_ bytes: [UInt8], limits: ImportLimits = ImportLimits()) throws(ImportError)
  -> Checkpoint
{
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  var options = ImportOptions()
  options.limits = limits
  return try Checkpoint(bytes: UnsafeRawBufferPointer(copy), options)
}

/// Reads the network whose file has the contents `bytes`.
func loadNetwork(
  _ bytes: [UInt8], limits: ImportLimits = ImportLimits(), weights: String? = nil,
  bottleneckStride: ResNetConfig.BottleneckStride? = nil
) throws(ImportError) -> Network {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  var options = ImportOptions()
  options.limits = limits
  options.weights = weights
  options.bottleneckStride = bottleneckStride
  return try Network(bytes: UnsafeRawBufferPointer(copy), options)
}

/// The error that loading the network of an ONNX model gives, nil if it loads.
func errorLoadingNetwork(_ bytes: [UInt8], limits: ImportLimits = ImportLimits()) -> ImportError? {
  do {
    _ = try loadNetwork(bytes, limits: limits)
    return nil
  } catch {
    return error
  }
}

/// The error that loading `bytes` gives, nil if it loads.
func errorLoading(_ bytes: [UInt8], limits: ImportLimits = ImportLimits()) -> ImportError? {
  do {
    _ = try load(bytes, limits: limits)
    return nil
  } catch {
    return error
  }
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

func bytes(of floats: [Float]) -> [UInt8] { floats.flatMap { littleEndian($0.bitPattern) } }

/// A safetensors file with the header text `header`.
func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
  littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
}

/// The header text of one tensor.
func entry(_ name: String, _ type: String, _ shape: [Int], _ begin: Int, _ end: Int) -> String {
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
}

/// A zip archive with the given entries, made by libzip.
func zipArchive(
  _ entries: [(name: String, contents: [UInt8])], method: Int32 = ZIP_CM_STORE
) throws -> [UInt8] {
  let path = NSTemporaryDirectory() + "model-import-\(UUID().uuidString).zip"
  defer { unlink(path) }
  var code: Int32 = 0
  let archive = try #require(zip_open(path, ZIP_CREATE | ZIP_EXCL, &code))
  for (name, contents) in entries {
    // libzip reads the buffer at zip_close and then frees it.
    let copy = malloc(max(1, contents.count))!
    UnsafeMutableRawBufferPointer(start: copy, count: contents.count).copyBytes(from: contents)
    let source = try #require(zip_source_buffer(archive, copy, UInt64(contents.count), 1))
    let index = zip_file_add(archive, name, source, 0)
    try #require(index >= 0)
    try #require(zip_set_file_compression(archive, UInt64(index), method, 0) == 0)
  }
  try #require(zip_close(archive) == 0)
  return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// A PyTorch archive around `pickle`, with storages by key.
func torchArchive(
  _ pickle: [UInt8], _ storages: [(String, [UInt8])] = [], byteOrder: String? = "little",
  version: String = "3\n", method: Int32 = ZIP_CM_STORE
) throws -> [UInt8] {
  var entries = [(name: "net/data.pkl", contents: pickle)]
  if let byteOrder { entries.append(("net/byteorder", Array(byteOrder.utf8))) }
  for (key, contents) in storages { entries.append(("net/data/" + key, contents)) }
  entries.append(("net/version", Array(version.utf8)))
  return try zipArchive(entries, method: method)
}

/// Writes pickles as Python would, one operation at a time.
struct Pickle {
  private(set) var bytes: [UInt8] = [0x80, 2]

  /// The operations so far and STOP.
  var finished: [UInt8] { bytes + [0x2e] }

  mutating func op(_ character: Unicode.Scalar, _ operand: [UInt8] = []) {
    bytes += [UInt8(ascii: character)] + operand
  }

  mutating func op(_ code: UInt8, _ operand: [UInt8] = []) { bytes += [code] + operand }

  mutating func text(_ string: String) {
    op("X", littleEndian(UInt32(string.utf8.count)) + Array(string.utf8))
  }

  mutating func int(_ value: Int) {
    if (0...255).contains(value) {
      op("K", [UInt8(value)])
    } else {
      op(0x8a, [8] + littleEndian(Int64(value)))
    }
  }

  mutating func global(_ module: String, _ name: String) {
    op("c", Array("\(module)\n\(name)\n".utf8))
  }

  mutating func ints(_ values: [Int]) {
    op("(")
    for value in values { int(value) }
    op("t")
  }

  mutating func orderedDictionary() {
    global("collections", "OrderedDict")
    op(")")
    op("R")
  }

  /// Pushes a tensor that is the whole of storage `key`, or what `offset` and `strides` say.
  mutating func tensor(
    _ shape: [Int], key: String, storage: String = "FloatStorage", count: Int? = nil,
    offset: Int = 0, strides: [Int]? = nil, isLegacy: Bool = false
  ) {
    var rowMajor: [Int] = []
    var product = 1
    for dimension in shape.reversed() {
      rowMajor.insert(product, at: 0)
      product &*= dimension
    }
    global("torch._utils", "_rebuild_tensor_v2")
    op("(")
    op("(")
    text("storage")
    global("torch", storage)
    text(key)
    text("cpu")
    int(count ?? product)
    if isLegacy { op("N") }
    op("t")
    op("Q")
    int(offset)
    ints(shape)
    ints(strides ?? rowMajor)
    op(0x89)
    orderedDictionary()
    op("t")
    op("R")
  }

  /// A state dictionary with one tensor, all of it in storage 0.
  static func oneTensor(_ name: String, _ shape: [Int], storage: String = "FloatStorage") -> [UInt8]
  {
    var pickle = Pickle()
    pickle.orderedDictionary()
    pickle.text(name)
    pickle.tensor(shape, key: "0", storage: storage)
    pickle.op("s")
    return pickle.finished
  }
}

/// The project's folder, found from this file.
let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

/// The checkpoint that the shipped one was made from; it is not part of the project.
let sourceCheckpoint = packageRoot + "/../shared/models/resnet18-imagenette.pth"

/// The checkpoint that is part of the project.
let shippedCheckpoint = packageRoot + "/Models/resnet18-imagenette.safetensors"

let sourceCheckpointIsPresent = FileManager.default.fileExists(atPath: sourceCheckpoint)

/// SplitMix64, so that a failing mutation can be found again by its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
