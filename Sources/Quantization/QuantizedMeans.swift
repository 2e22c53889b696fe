// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanning

extension QuantizationScheme {
  /// Measures the means of the channels in the quantized network, so that each layer's bias takes up what the layers
  /// before it changed.
  ///
  /// Layer by layer, since a corrected bias changes all means behind it.
  ///
  /// - Parameter some: images of those that ``channelMeans`` are of: of differences, few are enough.
  /// - **Allocates:** the plan twice; for each thread a session that keeps all tensors, or float32 activations.
  mutating func measureMeans(
    on some: ModelImages, threads: Int, progress: QuantizationProgress
  ) throws {
    let count = some.count
    let program = model.program
    quantizedMeans = channelMeans
    // Bytes of the image lose nothing.
    var known: Set = [program.operations[0].output]
    var passes: [[Int]] = []
    for operation in program.operations where operation.kind.layer != nil {
      let read = [operation.input] + (operation.residual.map { [$0] } ?? [])
      let unknown = read.filter { known.insert($0).inserted }
      if !unknown.isEmpty { passes.append(unknown) }
    }
    let (stage, total) = ("correcting biases", (passes.count + 1) * count)
    progress(stage, 0, total)
    let model = model
    let exact = try some.channelMeans(
      of: Array(program.tensors.indices), threads: threads,
      progress: { progress(stage, $0, total) }, makeWorker: { FloatExecutor(model) },
      add: { executor, image, sums in
        executor.run(image) { executor.addChannelMeans(of: $0, to: &sums[$0]) }
      })
    var options = PlanOptions()
    options.keepsTensors = true
    for (pass, tensors) in passes.enumerated() {
      let plan = PlanBytes(try Planner.plan(self, options))
      let found = try some.channelMeans(
        of: tensors, threads: threads,
        progress: { progress(stage, (pass + 1) * count + $0, total) },
        makeWorker: { try PlanSession(plan) },
        add: { session, image, sums in
          session.run(image)
          for (place, tensor) in tensors.enumerated() {
            session.addChannelMeans(of: tensor, to: &sums[place])
          }
        })
      // Differences of means vary much less from image to image than means.
      for (means, tensor) in zip(found, tensors) {
        for channel in means.indices {
          quantizedMeans[tensor][channel] += means[channel] - exact[tensor][channel]
        }
      }
    }
  }
}

extension ModelImages {
  /// The means of the channels of tensors, to which a worker adds those of an image.
  fileprivate func channelMeans<Worker>(
    of tensors: [Int], threads: Int, progress: @Sendable (Int) -> Void,
    makeWorker: @Sendable () throws -> Worker,
    add: @Sendable (Worker, [UInt8], inout [[ExactSum]]) -> Void
  ) throws -> [[Double]] {
    let none = tensors.map {
      [ExactSum](repeating: ExactSum(), count: model.program.tensors[$0].channels)
    }
    let total = try summed(
      none, threads: threads, progress: progress, makeWorker: makeWorker,
      merge: { for place in $0.indices { $0[place] = zip($0[place], $1[place]).map(+) } },
      add: { worker, image, _, sums in add(worker, image, &sums) })
    return total.map { $0.map { $0.mean(of: count) } }
  }
}
