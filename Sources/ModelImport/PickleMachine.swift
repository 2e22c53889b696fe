// SPDX-License-Identifier: Apache-2.0

/// Reads a pickle of protocol 2 to 5 as data: a stack machine that calls nothing.
///
/// It builds plain values and descriptions of tensors. Whatever else a pickle describes becomes an opaque
/// value, so that nothing that lies beside the weights stops an import. The work and the memory are in
/// proportion to the pickle's bytes.
struct PickleMachine {
  private(set) var objects: [PickleValue] = []

  let limits: ImportLimits
  private var reader: PickleReader
  private var stack: [PickleReference] = []
  /// Heights of the stack at each MARK not yet used.
  private var marks: [Int] = []
  private var memo: [UInt32: PickleReference] = [:]
  /// Pairs and letters copied, and tensors made so far.
  private var (copies, tensors) = (0, 0)

  /// Prepares to run the pickle that begins at `start` of `bytes`, which error messages call `part`.
  init(_ bytes: [UInt8], at start: Int = 0, part: String = "data.pkl", limits: ImportLimits) {
    reader = PickleReader(bytes, at: start, part: part)
    self.limits = limits
  }

  /// The offset behind the operations that were executed.
  var end: Int { reader.position }

  subscript(reference: PickleReference) -> PickleValue { objects[Int(reference.index)] }

  /// Executes operations up to STOP; returns the object that the pickle describes.
  mutating func run() throws(ImportError) -> PickleReference {
    while true {
      reader.beginOperation()
      let byte = try reader.byte()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw .refusedOpcode(name: PickleOpcode.name(of: byte), offset: reader.operation)
      }
      if opcode == .stop {
        let result = try pop()
        guard stack.isEmpty, marks.isEmpty else {
          throw reader.malformed("one object at STOP", "\(stack.count + 1)")
        }
        return result
      }
      try execute(opcode)
    }
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(ImportError) {
    switch opcode {
    case .proto:
      let version = try reader.byte()
      guard (2...5).contains(version) else {
        throw reader.malformed("pickle protocol 2 to 5", "\(version)")
      }
    case .frame: try reader.checkFrame()
    case .stop: break
    case .none: try push(.none)
    case .newTrue: try push(.bool(true))
    case .newFalse: try push(.bool(false))
    case .binaryInt: try push(.int(Int(Int32(bitPattern: try reader.integer()))))
    case .binaryInt1: try push(.int(Int(try reader.byte())))
    case .binaryInt2: try push(.int(Int(try reader.integer() as UInt16)))
    case .long1: try pushLong(Int(try reader.byte()))
    case .long4: try pushLong(Int(try reader.integer() as UInt32))
    case .binaryFloat:
      let _: UInt64 = try reader.integer()
      try push(.float)
    case .shortBinaryUnicode, .shortBinaryString:
      try pushText(try reader.string(lengthOf: UInt8.self))
    case .binaryUnicode, .binaryString: try pushText(try reader.string(lengthOf: UInt32.self))
    case .binaryUnicode8: try pushText(try reader.string(lengthOf: UInt64.self))
    case .shortBinaryBytes: try pushBytes(lengthOf: UInt8.self)
    case .binaryBytes: try pushBytes(lengthOf: UInt32.self)
    case .binaryBytes8, .byteArray8: try pushBytes(lengthOf: UInt64.self)
    case .emptySet: try push(.opaque("set"))
    case .frozenSet:
      _ = try popToMark()
      try push(.opaque("frozenset"))
    case .addItems:
      _ = try popToMark()
      guard case .opaque = self[try top()] else {
        throw reader.malformed("a set to add items to", self[try top()].kind)
      }
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .duplicate: try push(try top())
    case .emptyTuple: try push(.tuple([]))
    case .emptyList: try push(.list([]))
    case .emptyDictionary: try push(.dictionary([]))
    case .mark:
      try check(marks.count, limits.pickleStack, "marks")
      marks.append(stack.count)
    case .tuple: try push(.tuple(try popToMark()))
    case .tuple1: try push(.tuple(try pop(1)))
    case .tuple2: try push(.tuple(try pop(2)))
    case .tuple3: try push(.tuple(try pop(3)))
    case .append: try appendItems(try pop(1))
    case .appends: try appendItems(try popToMark())
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .binaryPut: try remember(UInt32(try reader.byte()))
    case .longBinaryPut: try remember(try reader.integer())
    case .memoize: try remember(UInt32(memo.count))
    case .binaryGet: try recall(UInt32(try reader.byte()))
    case .longBinaryGet: try recall(try reader.integer())
    case .global: try pushGlobal(module: try reader.line(), name: try reader.line())
    case .stackGlobal:
      let names = try pop(2)
      guard case .string(let module) = self[names[0]], case .string(let name) = self[names[1]]
      else { throw reader.malformed("two strings for STACK_GLOBAL", self[names[0]].kind) }
      try pushGlobal(module: module, name: name)
    case .binaryPersistentID: try push(makeStorage(try pop()))
    case .reduce:
      let operands = try pop(2)
      let result = try reduce(operands[0], arguments: operands[1])
      if case .tensor = result {
        try check(tensors, limits.tensors, "tensors")
        tensors += 1
      }
      try push(result)
    case .newObject: try push(makeObject(try pop(2)[0]))
    case .newObjectWithNames: try push(makeObject(try pop(3)[0]))
    case .object:
      guard let type = try popToMark().first else {
        throw reader.malformed("a class for OBJ", "none")
      }
      try push(makeObject(type))
    case .build:
      _ = try pop()
      let target = try top()
      // The state of an OrderedDict is its attribute `_metadata`: versions of modules. What else takes a
      // state could be changed by it.
      if case .dictionary = self[target] { break }
      if case .opaque = self[target] { break }
      objects[Int(target.index)] = .opaque("\(self[target].kind) with a state")
    }
  }

  private mutating func push(_ value: PickleValue) throws(ImportError) {
    try check(objects.count, limits.pickleObjects, "objects")
    objects.append(value)
    try push(PickleReference(index: Int32(objects.count - 1)))
  }

  private mutating func push(_ reference: PickleReference) throws(ImportError) {
    try check(stack.count, limits.pickleStack, "objects on its stack")
    stack.append(reference)
  }

  private func top() throws(ImportError) -> PickleReference {
    guard let last = stack.last, stack.count > marks.last ?? 0 else { throw underflow(1) }
    return last
  }

  private mutating func pop() throws(ImportError) -> PickleReference {
    let last = try top()
    stack.removeLast()
    return last
  }

  /// The last `count` objects, the topmost last.
  private mutating func pop(_ count: Int) throws(ImportError) -> [PickleReference] {
    guard stack.count - (marks.last ?? 0) >= count else { throw underflow(count) }
    let items = Array(stack.suffix(count))
    stack.removeLast(count)
    return items
  }

  private mutating func popToMark() throws(ImportError) -> [PickleReference] {
    guard let mark = marks.popLast() else {
      throw reader.malformed("a MARK before this operation", "none")
    }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  private mutating func remember(_ key: UInt32) throws(ImportError) {
    if memo[key] == nil { try check(memo.count, limits.pickleMemo, "entries in its memo") }
    memo[key] = try top()
  }

  private mutating func recall(_ key: UInt32) throws(ImportError) {
    guard let reference = memo[key] else {
      throw reader.malformed("an entry \(key) in the memo", "none")
    }
    try push(reference)
  }

  private mutating func appendItems(_ items: [PickleReference]) throws(ImportError) {
    let target = Int(try top().index)
    if case .opaque = objects[target] { return }
    guard case .list(var list) = objects[target] else {
      throw reader.malformed("a list to append to", objects[target].kind)
    }
    // Let go of the array's other owner first, so that it grows in place.
    objects[target] = .none
    list += items
    objects[target] = .list(list)
  }

  private mutating func setItems(_ items: [PickleReference]) throws(ImportError) {
    guard items.count.isMultiple(of: 2) else {
      throw reader.malformed("a value for every key", "\(items.count) keys and values")
    }
    let target = Int(try top().index)
    if case .opaque = objects[target] { return }
    guard case .dictionary(var dictionary) = objects[target] else {
      throw reader.malformed("a dictionary to set items of", objects[target].kind)
    }
    objects[target] = .none
    for index in stride(from: 0, to: items.count, by: 2) {
      dictionary.append((items[index], items[index + 1]))
    }
    objects[target] = .dictionary(dictionary)
  }

  private mutating func pushGlobal(module: String, name: String) throws(ImportError) {
    try copy(sum(module.utf8.count, name.utf8.count))
    try push(.global(PickleGlobal(module: module, name: name)))
  }

  private mutating func pushLong(_ count: Int) throws(ImportError) {
    try push(try reader.long(count).map { .int($0) } ?? .opaque("a long integer"))
  }

  private mutating func pushBytes<Length: FixedWidthInteger & UnsignedInteger>(
    lengthOf type: Length.Type
  ) throws(ImportError) {
    try reader.skip(lengthOf: type)
    try push(.opaque("bytes"))
  }

  private mutating func pushText(_ text: String?) throws(ImportError) {
    // Names are looked up again and again, each time letter by letter; longer texts are none.
    if let text, text.utf8.count <= limits.nameBytes { return try push(.string(text)) }
    try push(.opaque(text == nil ? "text that is not UTF-8" : "a long text"))
  }

  /// Counts what an operation of a few bytes copies.
  mutating func copy(_ count: Int) throws(ImportError) {
    copies += count
    try checkLimit(copies, limits.pickleCopies, "copies of pairs and letters in \(reader.part)")
  }

  private func underflow(_ count: Int) -> ImportError {
    reader.malformed(
      "\(count) objects on the stack above the last mark", "\(stack.count - (marks.last ?? 0))")
  }

  /// Checks that there may be one more.
  private func check(_ count: Int, _ limit: Int, _ what: String) throws(ImportError) {
    try checkLimit(count + 1, limit, "\(what) in \(reader.part)")
  }
}
