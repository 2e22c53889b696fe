// SPDX-License-Identifier: Apache-2.0

/// The operations that Python's pickle protocols 2 to 5 use, but for those that need a registry of extensions or
/// buffers outside the pickle; described in Python's `pickletools` and PEP 307, 3154 and 574.
enum PickleOpcode: UInt8 {
  case mark = 0x28  // (
  case emptyTuple = 0x29  // )
  case stop = 0x2e  // .
  case pop = 0x30  // 0
  case popMark = 0x31  // 1
  case duplicate = 0x32  // 2
  case binaryBytes = 0x42  // B
  case shortBinaryBytes = 0x43  // C
  case binaryFloat = 0x47  // G
  case binaryInt = 0x4a  // J
  case binaryInt1 = 0x4b  // K
  case binaryInt2 = 0x4d  // M
  case none = 0x4e  // N
  case binaryPersistentID = 0x51  // Q
  case reduce = 0x52  // R
  case binaryString = 0x54  // T
  case shortBinaryString = 0x55  // U
  case binaryUnicode = 0x58  // X
  case emptyList = 0x5d  // ]
  case append = 0x61  // a
  case build = 0x62  // b
  case global = 0x63  // c
  case appends = 0x65  // e
  case binaryGet = 0x68  // h
  case longBinaryGet = 0x6a  // j
  case object = 0x6f  // o
  case binaryPut = 0x71  // q
  case longBinaryPut = 0x72  // r
  case setItem = 0x73  // s
  case tuple = 0x74  // t
  case setItems = 0x75  // u
  case emptyDictionary = 0x7d  // }
  case proto = 0x80
  case newObject = 0x81
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case newTrue = 0x88
  case newFalse = 0x89
  case long1 = 0x8a
  case long4 = 0x8b
  case shortBinaryUnicode = 0x8c
  case binaryUnicode8 = 0x8d
  case binaryBytes8 = 0x8e
  case emptySet = 0x8f
  case addItems = 0x90
  case frozenSet = 0x91
  case newObjectWithNames = 0x92
  case stackGlobal = 0x93
  case memoize = 0x94
  case frame = 0x95
  case byteArray8 = 0x96

  /// What Python calls the operation `byte`, for error messages about refused ones.
  static func name(of byte: UInt8) -> String {
    let names: [UInt8: String] = [
      0x46: "FLOAT", 0x49: "INT", 0x4c: "LONG", 0x50: "PERSID", 0x53: "STRING", 0x56: "UNICODE",
      0x64: "DICT", 0x67: "GET", 0x69: "INST", 0x6c: "LIST", 0x70: "PUT", 0x82: "EXT1",
      0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    ]
    let number = "0x" + hexadecimal(byte)
    return names[byte].map { "\($0) (\(number))" } ?? number
  }
}
