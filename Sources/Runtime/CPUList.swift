// SPDX-License-Identifier: Apache-2.0

import CResNetThreads

/// The CPUs of a session's threads, in order.
///
/// - **Allocates:** nothing.
public struct CPUList {
  /// How many there are, 1…64.
  public private(set) var count = 0

  private var numbers = InlineArray<64, UInt16>(repeating: 0)

  /// Reads a list as Linux writes it, such as `0-3,5`: numbers and ranges, none twice.
  ///
  /// - Throws: `cpuList` if the text is no such list of at most 64 CPUs, `cpu` if this process may not
  ///   use one of them.
  public init(parsing text: UnsafePointer<CChar>) throws(SessionError) {
    var next = text
    repeat {
      let first = try CPUList.number(&next)
      var last = first
      if next.pointee == 0x2D {  // -
        next += 1
        last = try CPUList.number(&next)
      }
      guard first <= last else { throw .cpuList }
      for cpu in first...last { try append(cpu) }
      guard next.pointee == 0 || next.pointee == 0x2C else { throw .cpuList }
      next += 1
    } while next[-1] != 0
  }

  /// Binds the calling thread, which is the first of a session, to the first CPU.
  ///
  /// - Throws: `cpu` if the system refuses.
  public func bindCallingThread() throws(SessionError) {
    guard rn_cpu_bind(UInt32(numbers[0])) == 0 else { throw .cpu(Int(numbers[0])) }
  }

  func withNumbers<Result>(_ body: (UnsafePointer<UInt16>) -> Result) -> Result {
    withUnsafePointer(to: numbers) {
      $0.withMemoryRebound(to: UInt16.self, capacity: 64, body)
    }
  }

  private mutating func append(_ cpu: Int) throws(SessionError) {
    for index in 0..<count where numbers[index] == cpu { throw .cpuList }
    guard count < Int(RN_POOL_MAX_THREADS) else { throw .cpuList }
    guard rn_cpu_is_allowed(UInt32(cpu)) else { throw .cpu(cpu) }
    numbers[count] = UInt16(cpu)
    count += 1
  }

  private static func number(_ next: inout UnsafePointer<CChar>) throws(SessionError) -> Int {
    var number = 0
    var digits = 0
    while 0x30...0x39 ~= next.pointee {
      number = number * 10 + Int(next.pointee) - 0x30
      digits += 1
      next += 1
      guard digits <= 4 else { throw .cpuList }
    }
    guard digits > 0 else { throw .cpuList }
    return number
  }
}
