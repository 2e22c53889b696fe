// SPDX-License-Identifier: Apache-2.0

/// How a checkpoint stores the elements of a tensor. All are little-endian.
enum ElementType: Hashable {
  case float(FloatType)
  /// Integers, booleans, quantized and complex numbers, which carry no weights: such tensors are skipped.
  case integer(byteCount: Int)

  /// The bytes of one element.
  var byteCount: Int {
    switch self {
    case .float(let type): return type.byteCount
    case .integer(let byteCount): return byteCount
    }
  }

  /// The type that a safetensors header calls `name`, or nil if its elements are not read.
  init?(safetensors name: String) {
    switch name {
    case "F32": self = .float(.float32)
    case "F64": self = .float(.float64)
    case "F16": self = .float(.float16)
    case "BF16": self = .float(.bfloat16)
    case "I64", "U64": self = .integer(byteCount: 8)
    case "I32", "U32": self = .integer(byteCount: 4)
    case "I16", "U16": self = .integer(byteCount: 2)
    case "I8", "U8", "BOOL": self = .integer(byteCount: 1)
    default: return nil
    }
  }

  /// The elements of PyTorch's storage class `name`, or nil if there is no such class here.
  init?(torchStorage name: String) {
    switch name {
    case "FloatStorage": self = .float(.float32)
    case "DoubleStorage": self = .float(.float64)
    case "HalfStorage": self = .float(.float16)
    case "BFloat16Storage": self = .float(.bfloat16)
    case "ComplexDoubleStorage": self = .integer(byteCount: 16)
    case "LongStorage", "ComplexFloatStorage": self = .integer(byteCount: 8)
    case "IntStorage", "QInt32Storage": self = .integer(byteCount: 4)
    case "ShortStorage": self = .integer(byteCount: 2)
    case "CharStorage", "ByteStorage", "BoolStorage", "QInt8Storage", "QUInt8Storage":
      self = .integer(byteCount: 1)
    default: return nil
    }
  }
}

/// The kinds of floating-point elements that are read.
enum FloatType: Hashable {
  case float32
  case float64
  case float16
  /// The upper half of a float32.
  case bfloat16

  /// The bytes of one element.
  var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    }
  }

  /// Widens `count` elements that begin at byte 0 of `bytes` to float32, exactly; float64 is rounded,
  /// to nearest. `bytes` must be long enough and need not be aligned.
  func decode(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
    decode(bytes, StridedView(offset: 0, shape: [count], strides: [1]))
  }

  /// The same for the elements that a view shows.
  func decode(_ bytes: UnsafeRawBufferPointer, _ view: StridedView) -> [Float] {
    switch self {
    case .float64: return widen(bytes, view, as: UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float32: return widen(bytes, view, as: UInt32.self) { Float(bitPattern: $0) }
    case .float16: return widen(bytes, view, as: UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .bfloat16:
      return widen(bytes, view, as: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    }
  }
}

@inline(__always) private func widen<Bits: FixedWidthInteger & BitwiseCopyable>(
  _ bytes: UnsafeRawBufferPointer, _ view: StridedView, as: Bits.Type, _ convert: (Bits) -> Float
) -> [Float] {
  if view.shape.contains(0) { return [] }
  precondition(view.lastElement < bytes.count / MemoryLayout<Bits>.size)
  func element(_ place: Int) -> Float {
    let bits = bytes.loadUnaligned(fromByteOffset: place &* MemoryLayout<Bits>.size, as: Bits.self)
    return convert(Bits(littleEndian: bits))
  }
  guard view.isContiguous else { return view.gather(element) }
  let count = view.shape.reduce(1, *)
  return [Float](unsafeUninitializedCapacity: count) { result, initialized in
    for index in 0..<count {
      result.initializeElement(at: index, to: element(view.offset &+ index))
    }
    initialized = count
  }
}

/// Compares the bytes set aside for `count` elements with those that they take.
func checkByteCount(_ found: Int, of type: ElementType, _ count: Int, tensor name: String)
  throws(ImportError)
{
  let expected = product(count, type.byteCount)
  guard found == expected else {
    throw .byteCountMismatch(tensor: name, expected: expected, found: found)
  }
}

/// Refuses infinities and NaNs, naming the first one.
func checkFinite(_ values: [Float], tensor name: String) throws(ImportError) {
  if let index = values.withUnsafeBufferPointer({ $0.firstIndex { !$0.isFinite } }) {
    throw .nonFinite(tensor: name, index: index, found: "\(values[index])")
  }
}
