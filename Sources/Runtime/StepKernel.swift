// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat
package import ResNetPlatform

/// The kernel that does the work of a step, for reports. Texts are ended by a zero byte.
package struct StepKernel: Equatable, BitwiseCopyable {
  /// The operation and its format, as in the table of kernels: `conv_q8`.
  package let slot: UnsafePointer<CChar>
  /// The form, such as `_4x4`, or nothing.
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
      self.slot = slot.cString
      level = ("swiftsimd" as StaticString).cString
    }
    self.form =
      switch form {
      case .direct: ("" as StaticString).cString
      case .winograd2x2, .coded2x2: ("_2x2" as StaticString).cString
      case .winograd4x2: ("_4x2" as StaticString).cString
      case .winograd4x4, .coded4x4: ("_4x4" as StaticString).cString
      }
  }
}

extension StepKernel: TextDescribable {
  /// Appends the kernel's name, such as `winograd_q8_4x4_avx2`.
  package func describe(to line: inout TextLine) { line.append("\(slot)\(form)_\(level)") }
}
