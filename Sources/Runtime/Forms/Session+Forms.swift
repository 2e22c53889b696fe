// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
public import ResNetPlatform

extension Session {
  /// What lies where, within the limits that the caller gave.
  static func layout(
    _ view: PlanView, threads: Int, batch: Int, memoryLimit: Int?, tuning: Tuning,
    arena: UnsafeMutableRawBufferPointer?
  ) throws(SessionError) -> SessionLayout {
    let least = SessionLayout(view, threads: threads, batch: batch)
    if let arena {
      let isAligned = UInt(bitPattern: arena.baseAddress) % UInt(PlanLayout.alignment) == 0
      guard arena.count >= least.byteCount, isAligned, arena.baseAddress != nil else {
        throw .arena(expected: least.byteCount, found: arena.count, isAligned: isAligned)
      }
    }
    let needed = view.byteCount + least.byteCount
    if let memoryLimit, memoryLimit < needed {
      throw .memoryLimit(expected: needed, found: memoryLimit)
    }
    guard tuning.wantsForms else { return least }
    let limit = min(
      memoryLimit.map { $0 - view.byteCount } ?? .max, arena?.count ?? .max)
    return SessionLayout(
      tuned: view, threads: threads, batch: batch, arenaLimit: limit == .max ? nil : limit)
  }

  /// What is known of an int8 convolution in a tuned session: bytes of transformed weights, 0 of direct sums, and
  /// the nanoseconds of CPU time of each form in the order of ``formNames``, 0 if it was not measured. Nil for other
  /// steps.
  package func form(
    ofStep index: Int
  ) -> (byteCount: Int, times: InlineArray<4, Int64>)? {
    guard !forms.isEmpty, let shape = forms[index].shape else { return nil }
    return (shape.byteCount(forms[index].form), forms[forms[index].leader].times)
  }

  /// The names of direct sums and of the exact forms.
  package static var formNames: InlineArray<4, StaticString> {
    let exact = Arithmetic.Algorithm.exact
    return [exact[0].name, exact[1].name, exact[2].name, exact[3].name]
  }

  /// Writes the forms in use, for ``Tuning/recorded(_:)``: the lines of a text, to be ended by line feeds.
  ///
  /// - **Allocates:** nothing.
  public func writeTuning<Failure: Error>(
    _ body: (TextLine) throws(Failure) -> Void
  ) throws(Failure) {
    try TuningText(plan: plan.view, set: instructionSet, threads: threads).write(forms, body)
  }
}

/// The exact forms of a session.
struct ChosenForms {
  /// What is known of each step; empty without a tuning.
  private(set) var forms = UnsafeBufferPointer<StepForms>(start: nil, count: 0)
  /// Bytes of transformed weights.
  private(set) var byteCount = 0

  /// Chooses forms, makes their weights and binds the steps anew.
  ///
  /// - Parameter shared: where the weights go if the session's memory has no room for them.
  init(
    _ tuning: Tuning, _ binder: Binder, _ pool: OpaquePointer?, _ layout: SessionLayout,
    in memory: UnsafeMutableRawPointer, hasRoom: Bool, shared: UnsafeMutablePointer<PlanMemory>,
    _ bound: UnsafeMutablePointer<BoundStep>
  ) throws(SessionError) {
    guard tuning.wantsForms else { return }
    let count = binder.plan.stepCount
    let forms = UnsafeMutableBufferPointer(
      start: (memory + layout.forms).bindMemory(to: StepForms.self, capacity: count), count: count)
    let chooser = FormChooser(
      binder, steps: forms, room: layout.formWeightsByteCount,
      place: hasRoom ? memory + layout.formWeights : nil, shared: shared)
    if case .recorded(let text) = tuning {
      try TuningText(plan: binder.plan, set: binder.set, threads: binder.tuningThreads)
        .read(text, into: chooser)
    } else {
      // Where threads compute whole images, each one runs all of a convolution.
      let isWhole = layout.batch.arenaCount > 1
      var timer = ConvolutionTimer(
        pool: isWhole ? nil : pool, threads: isWhole ? 1 : binder.threads,
        scratch: memory + layout.scratch, scratchPitch: layout.scratchPitch)
      chooser.measure(&timer)
      chooser.choose()
      // As before the first run.
      memset(memory, 0, layout.loadTimeWeights)
    }
    byteCount = try chooser.makeWeights()
    for image in 0..<layout.batch.arenaCount {
      let arena = memory + layout.batch.arena(ofImage: image)
      for index in 0..<count {
        guard let form = chooser.bind(index, in: arena) else { continue }
        bound[image * count + index].operation = .convolution(form)
      }
    }
    self.forms = UnsafeBufferPointer(forms)
  }
}
