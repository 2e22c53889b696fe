// SPDX-License-Identifier: Apache-2.0

import CResNetZip
import Foundation
import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// What `read` makes of a copy of `bytes` that ends where they end, so that a sanitizer sees what reads beyond.
func reading<Result>(
  _ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws(ImportError) -> Result
) throws(ImportError) -> Result {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  return try read(UnsafeRawBufferPointer(copy))
}

/// Reads the checkpoint whose file has the contents `bytes`.
func load(_ bytes: [UInt8], limits: ImportLimits = ImportLimits(), weights: String? = nil)
  throws(ImportError) -> Checkpoint
{
  var options = ImportOptions()
  options.limits = limits
  options.weights = weights
  return try reading(bytes) { (bytes) throws(ImportError) in try Checkpoint(bytes: bytes, options) }
}

/// Reads the network whose file has the contents `bytes`.
func loadNetwork(
  _ bytes: [UInt8], limits: ImportLimits = ImportLimits(), weights: String? = nil,
  bottleneckStride: ResNetConfig.BottleneckStride? = nil
) throws(ImportError) -> Network {
  var options = ImportOptions()
  options.limits = limits
  options.weights = weights
  options.bottleneckStride = bottleneckStride
  return try reading(bytes) { (bytes) throws(ImportError) in try Network(bytes: bytes, options) }
}

/// The error that something gives, nil if there is none.
private func error(of body: () throws(ImportError) -> Void) -> ImportError? {
  do { try body() } catch { return error }
  return nil
}

/// The error that loading the network of an ONNX model gives, nil if it loads.
func errorLoadingNetwork(_ bytes: [UInt8], limits: ImportLimits = ImportLimits()) -> ImportError? {
  error { () throws(ImportError) in _ = try loadNetwork(bytes, limits: limits) }
}

/// The error that loading `bytes` gives, nil if it loads.
func errorLoading(_ bytes: [UInt8], limits: ImportLimits = ImportLimits()) -> ImportError? {
  error { () throws(ImportError) in _ = try load(bytes, limits: limits) }
}

extension ImportError {
  /// The name of the case, such as `malformed`.
  var kind: String { Mirror(reflecting: self).children.first?.label ?? "" }
}

/// Checks the case of an error and that its description has all `texts`.
func expectError(
  _ error: ImportError?, _ kind: String, _ texts: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let found = error.map { "\($0.kind): \($0)" } ?? "no error"
  for text in ["\(kind): "] + texts {
    #expect(found.contains(text), sourceLocation: sourceLocation)
  }
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

/// The operations of a pickle that push one object, or several one after the other.
struct Pickle: CustomTestStringConvertible {
  var bytes: [UInt8]

  /// Some are long.
  var testDescription: String { "\(bytes.count) bytes" }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Operations without operands.
  static func ops(_ characters: String) -> Pickle { Pickle(Array(characters.utf8)) }

  static func code(_ code: UInt8, _ operand: [UInt8] = []) -> Pickle { Pickle([code] + operand) }

  static func + (first: Pickle, second: Pickle) -> Pickle { Pickle(first.bytes + second.bytes) }

  static let none = ops("N")

  static func text(_ string: String) -> Pickle {
    Pickle(Array("X".utf8) + littleEndian(UInt32(string.utf8.count)) + Array(string.utf8))
  }

  static func int(_ value: Int) -> Pickle {
    (0...255).contains(value)
      ? Pickle(Array("K".utf8) + [UInt8(value)]) : Pickle([0x8a, 8] + littleEndian(Int64(value)))
  }

  static func global(_ module: String, _ name: String) -> Pickle { ops("c\(module)\n\(name)\n") }

  static func tuple(_ items: [Pickle]) -> Pickle {
    ops("(") + Pickle(items.flatMap(\.bytes)) + ops("t")
  }

  static func call(_ module: String, _ name: String, _ arguments: Pickle...) -> Pickle {
    global(module, name) + tuple(arguments) + ops("R")
  }

  /// An ordered dictionary, as state dictionaries are.
  static func dictionary(_ entries: [(String, Pickle)]) -> Pickle {
    let empty = global("collections", "OrderedDict") + ops(")R")
    let items = Pickle(entries.flatMap { (text($0) + $1).bytes })
    return entries.isEmpty ? empty : empty + ops("(") + items + ops("u")
  }

  /// A plain dictionary, of which each item is set by itself.
  static func plain(_ entries: KeyValuePairs<String, Pickle>) -> Pickle {
    ops("}") + Pickle(entries.flatMap { (text($0) + $1 + ops("s")).bytes })
  }

  /// A tensor that is the whole of storage `key`, or what `offset` and `strides` say.
  static func tensor(
    _ shape: [Int], key: String, storage: String = "FloatStorage", count: Int? = nil,
    offset: Int = 0, strides: [Int]? = nil, isLegacy: Bool = false
  ) -> Pickle {
    var rowMajor: [Int] = []
    var product = 1
    for dimension in shape.reversed() {
      rowMajor.insert(product, at: 0)
      product &*= dimension
    }
    return call(
      "torch._utils", "_rebuild_tensor_v2",
      self.storage(key, storage, count: count ?? product, isLegacy: isLegacy), int(offset),
      tuple(shape.map(int)), tuple((strides ?? rowMajor).map(int)), code(0x89), dictionary([]))
  }

  static func storage(
    _ key: String, _ storage: String = "FloatStorage", count: Int, isLegacy: Bool
  ) -> Pickle {
    let parts = [text("storage"), global("torch", storage), text(key), text("cpu"), int(count)]
    return tuple(parts + (isLegacy ? [none] : [])) + ops("Q")
  }
}

/// A whole pickle.
func pickle(_ object: Pickle) -> [UInt8] { [0x80, 2] + object.bytes + [0x2e] }

/// The pickle of a state dictionary with one tensor, all of it in storage 0.
func oneTensor(_ shape: [Int], storage: String = "FloatStorage") -> [UInt8] {
  pickle(.dictionary([("w", .tensor(shape, key: "0", storage: storage))]))
}

/// The project's folder, found from this file.
private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

/// The checkpoint that the shipped one was made from; it is not part of the project.
let sourceCheckpoint = root + "/../shared/models/resnet18-imagenette.pth"

/// The checkpoint that is part of the project.
let shippedCheckpoint = root + "/Models/resnet18-imagenette.safetensors"
