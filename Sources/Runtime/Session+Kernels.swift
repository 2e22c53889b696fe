// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

/// The kernel that does the work of a step, for reports.
package struct StepKernel: Equatable, BitwiseCopyable {
  /// The operation and its format, as in the table: `conv_q8`; ended by a zero byte.
  package let operation: UnsafePointer<CChar>
  /// The level from which on the table has this kernel, or `swiftsimd`; ended by a zero byte.
  package let level: UnsafePointer<CChar>
}

extension Session {
  /// The kernel that does the work of a step.
  package func kernel(ofStep index: Int) -> StepKernel {
    let step = plan.view.step(index)
    let isInt8 = step.format == .q8
    switch step.operation {
    case .input:
      return isInt8 ? kernel("input_q8") { $0.input_q8 } : kernel("input_f32") { $0.input_f32 }
    case .stem, .convolution:
      if let form = executor.winograd(of: step) { return winogradKernel(form, step) }
      return isInt8 ? kernel("conv_q8") { $0.conv_q8 } : floatConvolution(step)
    case .averagePool:
      return isInt8
        ? kernel("avgpool_q8") { $0.avgpool_q8 } : kernel("avgpool_f32") { $0.avgpool_f32 }
    case .linear:
      return isInt8 ? kernel("linear_q8") { $0.linear_q8 } : floatConvolution(step)
    }
  }

  private func floatConvolution(_ step: StepRecord) -> StepKernel {
    guard step.format == .f16 else { return kernel("conv_f32") { $0.conv_f32 } }
    return sumsInHalves(step)
      ? kernel("conv_f16acc16") { $0.conv_f16acc16 } : kernel("conv_f16") { $0.conv_f16 }
  }

  private func winogradKernel(_ form: WinogradRecord, _ step: StepRecord) -> StepKernel {
    switch (step.format == .q8, sumsInHalves(step), form.tileHeight, form.tileWidth) {
    case (true, _, 2, _): kernel("winograd_q8_2x2") { $0.winograd_q8 }
    case (true, _, _, 2): kernel("winograd_q8_4x2") { $0.winograd_q8 }
    case (true, _, _, _): kernel("winograd_q8_4x4") { $0.winograd_q8 }
    case (_, true, 2, _): kernel("winograd_f16acc16_2x2") { $0.winograd_f16acc16 }
    case (_, true, _, 2): kernel("winograd_f16acc16_4x2") { $0.winograd_f16acc16 }
    case (_, true, _, _): kernel("winograd_f16acc16_4x4") { $0.winograd_f16acc16 }
    case (_, _, 2, _): kernel("winograd_f16_2x2") { $0.winograd_f16 }
    case (_, _, _, 2): kernel("winograd_f16_4x2") { $0.winograd_f16 }
    case (_, _, _, _): kernel("winograd_f16_4x4") { $0.winograd_f16 }
    }
  }

  /// Whether a step sums in fp16 on this level, which may have no such kernels.
  private func sumsInHalves(_ step: StepRecord) -> Bool {
    step.hasHalfSums && KernelTable(upTo: instructionSet).hasHalfSums
  }

  /// Looks for the lowest level whose table has the same kernel in a slot.
  private func kernel<Function>(
    _ operation: StaticString, _ slot: (rn_kernels) -> Function
  ) -> StepKernel {
    let wanted = unsafeBitCast(slot(KernelTable(upTo: instructionSet).kernels), to: UInt.self)
    var name = cString("swiftsimd")
    for level in 0...instructionSet.level.rawValue {
      var kernels = rn_kernels()
      rn_kernels_init(&kernels, rn_isa(level))
      if unsafeBitCast(slot(kernels), to: UInt.self) == wanted {
        name = rn_isa_name(rn_isa(level))
        break
      }
    }
    return StepKernel(operation: cString(operation), level: name)
  }
}

private func cString(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
