// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat

/// A step as a session runs it: what a record says, decided once for this CPU and these threads.
///
/// It is in the session's memory and does not change while threads read it.
struct BoundStep {
  var border: BoundBorder
  var operation: BoundOperation

  func run(_ thread: SessionThread) {
    border.run(thread)
    switch operation {
    case .input(let input): input.run(thread)
    case .stem(let stem): stem.run(thread)
    case .convolution(let convolution): convolution.run(thread)
    case .strips(let strips): strips.run(thread)
    case .pool(let pool): pool.run(thread)
    case .globalAverage(let average): average.run(thread)
    case .linear(let linear): linear.run(thread)
    case .scale(let scale): scale.run(thread)
    case .sigmoid(let sigmoid): sigmoid.run(thread)
    }
  }

  /// The kernel that does the work.
  var kernel: StepKernel {
    switch operation {
    case .input(let input): input.kernel
    case .stem(let stem): stem.sums.kernel.name
    case .convolution(let convolution): convolution.sums.kernel.name
    case .strips(let strips): strips.sums.kernel.name
    case .pool(let pool): pool.kernel
    case .globalAverage(let average): average.kernel
    case .linear(let linear): linear.kernel
    case .scale(let scale): scale.scale.name
    case .sigmoid(let sigmoid): sigmoid.kernel
    }
  }
}

enum BoundOperation {
  case input(BoundInput)
  case stem(BoundStem)
  case convolution(BoundConvolution)
  case strips(BoundStrips)
  case pool(BoundPool)
  case globalAverage(BoundGlobalAverage)
  case linear(BoundLinear)
  case scale(BoundScale)
  case sigmoid(BoundSigmoid)
}

/// What a thread brings to a step.
struct SessionThread {
  let index: Int
  let count: Int
  let scratch: UnsafeMutableRawPointer
  let image: UnsafePointer<UInt8>

  /// The part of `units` units that is this thread's.
  func share(of units: Int) -> Range<Int> {
    units * index / count..<units * (index + 1) / count
  }
}
