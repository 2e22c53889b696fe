// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import ResNetPlanFormat

/// Chooses the exact form of every int8 convolution of a session, and makes the weights for it.
struct FormChooser {
  let binder: Binder
  /// What is known of each step; in the session's memory.
  let steps: UnsafeMutableBufferPointer<StepForms>
  /// Bytes that weights may take.
  let room: Int
  /// Where weights go; nil for memory that the plan's owners share.
  private let place: UnsafeMutableRawPointer?
  private let shared: UnsafeMutablePointer<PlanMemory>

  private var plan: PlanView { binder.plan }

  init(
    _ binder: Binder, steps: UnsafeMutableBufferPointer<StepForms>, room: Int,
    place: UnsafeMutableRawPointer?, shared: UnsafeMutablePointer<PlanMemory>
  ) {
    self.binder = binder
    self.steps = steps
    self.room = room
    self.place = place
    self.shared = shared
    for index in steps.indices {
      let shape = ExactForms(plan: plan).shape(plan.step(index))
      steps.initializeElement(at: index, to: StepForms(shape: shape))
      while steps[steps[index].leader].shape != shape { steps[index].leader += 1 }
    }
  }

  // MARK: Measured

  /// Times the first step of each shape in every form.
  ///
  /// The runs of all shapes and forms take turns, as the layers of a network do: each finds the caches full of
  /// what the others have read. Two turns tell which forms have no chance; the least of up to eight decides.
  ///
  /// Times do not depend on numbers, so the forms read the plan's constants in place of weights that nobody has
  /// made yet. Weights larger than all constants need pages of their own, which costs more than the timing: those
  /// forms have their turns where the next smaller form is no slower than direct sums.
  func measure(_ timer: inout ConvolutionTimer) {
    guard room > 0 else { return }
    let start = rn_monotonic_ns()
    var standIn = StandIn(constants: plan.constants, place: place)
    for turn in 0..<8 {
      if turn >= 3, rn_monotonic_ns() - start > FormChooser.enough { return }
      for index in steps.indices where steps[index].shape != nil && steps[index].leader == index {
        let exact = Arithmetic.Algorithm.exact
        for place in exact.indices where isWorthTiming(index, place, turn) {
          let form = exact[place]
          guard let weights = standIn.weights(steps[index].shape!.byteCount(form)) else { continue }
          let time = timer.time(convolution(index, form, weights: weights))
          let before = steps[index].time(form)
          steps[index].times[Int(form.rawValue)] = max(before == 0 ? time : min(before, time), 1)
        }
      }
    }
  }

  /// Nanoseconds after which three turns are enough.
  private static var enough: Int64 { 10_000_000 }

  private func isWorthTiming(_ index: Int, _ place: Int, _ turn: Int) -> Bool {
    let (shape, form) = (steps[index].shape!, Arithmetic.Algorithm.exact[place])
    guard shape.byteCount(form) <= room else { return false }
    if shape.byteCount(form) > plan.constants.count {
      let smaller = steps[index].time(Arithmetic.Algorithm.exact[place - 1])
      guard smaller > 0, smaller <= steps[index].time(.direct) else { return false }
    }
    guard turn >= 2 else { return true }
    var best = Int64.max
    for place in 0..<4 where steps[index].times[place] > 0 {
      best = min(best, steps[index].times[place])
    }
    return steps[index].time(form) < best + best / 3
  }

  /// Gives each convolution the fastest form that its weights allow, as far as there is memory: what saves most
  /// time for each byte comes first.
  func choose() {
    var left = room
    while let next = nextChange(within: left) {
      left -= next.bytes
      steps[next.step].form = next.form
    }
  }

  private func nextChange(
    within left: Int
  ) -> (step: Int, form: Arithmetic.Algorithm, bytes: Int)? {
    var best: (step: Int, form: Arithmetic.Algorithm, bytes: Int)?
    var greatest = 0.0
    for index in steps.indices {
      guard let shape = steps[index].shape else { continue }
      let (times, now) = (steps[steps[index].leader], steps[index].form)
      let exact = Arithmetic.Algorithm.exact
      for place in exact.indices {
        let form = exact[place]
        let time = times.time(form)
        // Where other programs share caches and memory, a measurement differs from the next by several per cent.
        guard time > 0, time < times.time(now) / 10 * 9 else { continue }
        let bytes = shape.byteCount(form) - shape.byteCount(now)
        let gain = Double(times.time(now) - time) / Double(max(bytes, 1))
        guard bytes <= left, gain > greatest, isExact(index, form) else { continue }
        greatest = gain
        best = (index, form, bytes)
      }
    }
    return best
  }

  /// Whether a form gives the bits of direct sums, by the weights themselves: a plan cannot claim it.
  func isExact(_ index: Int, _ form: Arithmetic.Algorithm) -> Bool {
    if steps[index].greatestSum == 0 {
      let shape = steps[index].shape!
      steps[index].greatestSum = max(
        rn_winograd_q8_greatest_sum(
          plainWeights(index), shape.outputBlocks, UInt32(shape.inputs)), 1)
    }
    return rn_winograd_q8_is_exact(
      form.tile.height, form.tile.width, steps[index].greatestSum) != 0
  }

  // MARK: Bound

  /// Makes the weights of all chosen forms, unless another session has.
  ///
  /// - Returns: bytes of weights.
  /// - Throws: `outOfMemory`.
  func makeWeights() throws(SessionError) -> Int {
    var end = 0
    for index in steps.indices where steps[index].form != .direct {
      let bytes = steps[index].shape!.byteCount(steps[index].form)
      if let place {
        rn_allow_huge_pages(place, end + bytes)
        fill(place + end, index)
        steps[index].weights = UnsafeRawPointer(place + end)
      } else {
        steps[index].weights = shared.pointee.weights(index, steps[index].form, bytes) {
          fill($0, index)
        }
      }
      guard steps[index].weights != nil else { throw .outOfMemory(bytes: bytes) }
      end += bytes
    }
    return end
  }

  private func fill(_ weights: UnsafeMutableRawPointer, _ index: Int) {
    let (form, shape) = (steps[index].form, steps[index].shape!)
    rn_winograd_q8_weights(
      form.tile.height, form.tile.width, plainWeights(index), 0, shape.outputBlocks,
      UInt32(shape.inputs), weights.assumingMemoryBound(to: Int16.self))
  }

  /// A convolution in its form, between the tensors of an arena; nil if the step stays as it is.
  func bind(_ index: Int, in arena: UnsafeMutableRawPointer) -> BoundConvolution? {
    guard let weights = steps[index].weights else { return nil }
    return convolution(index, steps[index].form, weights: weights, in: arena)
  }

  private func convolution(
    _ index: Int, _ form: Arithmetic.Algorithm, weights: UnsafeRawPointer,
    in arena: UnsafeMutableRawPointer? = nil
  ) -> BoundConvolution {
    let step = plan.step(index)
    var binder = binder
    if let arena { binder.arena = arena }
    return binder.exactConvolution(
      step.operation.convolution!, step, form,
      weights: weights.assumingMemoryBound(to: Int16.self))
  }

  private func plainWeights(_ index: Int) -> UnsafePointer<Int8> {
    binder.constants(plan.step(index).operation.convolution!.weights, as: Int8.self)
  }
}

/// What forms read in place of weights while they are timed.
private struct StandIn: ~Copyable {
  private let constants: UnsafeRawBufferPointer
  private let ownsMemory: Bool
  private var memory: UnsafeMutableRawPointer?
  private var touched = 0
  /// Bytes of constants that were handed out.
  private var used = 0

  init(constants: UnsafeRawBufferPointer, place: UnsafeMutableRawPointer?) {
    self.constants = constants
    memory = place
    ownsMemory = place == nil
  }

  deinit {
    if ownsMemory { free(memory) } else { rn_give_back(memory, touched) }
  }

  /// Constants, or more bytes with pages of their own; nil if there is no memory for them.
  ///
  /// Each time they are others, as far as there are others: in an inference, a layer finds the weights of those
  /// before it in the caches.
  mutating func weights(_ byteCount: Int) -> UnsafeRawPointer? {
    if byteCount <= constants.count {
      let places = (constants.count - byteCount) / PlanLayout.alignment + 1
      let first = used / PlanLayout.alignment % places
      used += byteCount
      return constants.baseAddress! + first * PlanLayout.alignment
    }
    if ownsMemory, touched < byteCount {
      free(memory)
      touched = 0
      memory = aligned_alloc(PlanLayout.alignment, byteCount)
    }
    guard let memory else { return nil }
    if touched < byteCount {
      rn_allow_huge_pages(memory, byteCount)
      memset(memory + touched, 0, byteCount - touched)
      touched = byteCount
    }
    return UnsafeRawPointer(memory)
  }
}
