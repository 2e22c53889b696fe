// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

/// The kernel that does the work of a step, for reports. Texts are ended by a zero byte.
package struct StepKernel: Equatable, BitwiseCopyable {
  /// The operation and its format, as in the table of kernels: `conv_q8`.
  package let slot: UnsafePointer<CChar>
  /// The Winograd form, such as `_4x4`, or nothing.
  package let form: UnsafePointer<CChar>
  /// The level from which on tables have this kernel, or `swiftsimd`.
  package let level: UnsafePointer<CChar>

  /// - Parameters:
  ///   - function: what a table holds.
  ///   - slot: the name that a kernel in Swift has.
  init<Function>(_ function: Function, slot: StaticString, form: Arithmetic.Algorithm = .direct) {
    if let kernel = rn_kernel_find(unsafeBitCast(function, to: (@convention(c) () -> Void).self)) {
      self.slot = kernel.pointee.slot
      level = rn_isa_name(kernel.pointee.isa)
    } else {
      self.slot = cString(slot)
      level = cString("swiftsimd")
    }
    self.form =
      switch form {
      case .direct: cString("")
      case .winograd2x2: cString("_2x2")
      case .winograd4x2: cString("_4x2")
      case .winograd4x4: cString("_4x4")
      }
  }
}

/// A text that ends with a zero byte, for C.
func cString(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
