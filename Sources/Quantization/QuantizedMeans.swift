// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanning
import Synchronization

extension QuantizationScheme {
  /// How many images tell the means of the quantized network: of the same images in float32, few are enough.
  private static var imageLimit: Int { 32 }

  /// Measures the means of the channels in the quantized network, so that each layer's bias takes up what the layers
  /// before it changed.
  ///
  /// Layer by layer, since a corrected bias changes all means behind it.
  ///
  /// - Parameter images: some of those that ``channelMeans`` are of.
  /// - **Allocates:** the plan twice; for each thread a session that keeps all tensors, or float32 activations.
  mutating func measureMeans(
    on images: some ImageSource, threads: Int, progress: QuantizationProgress
  ) throws {
    let count = min(images.count, Self.imageLimit)
    let some = ModelImages(images, (0..<count).map { $0 * images.count / count }, for: model)
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
    let total = Mutex(none)
    _ = try mapImages(
      count: count, threads: threads, progress: progress,
      makeWorker: { MeansWorker(worker: try makeWorker(), sums: none) },
      finish: { worker in
        let sums = worker.sums
        total.withLock { total in
          for place in total.indices { total[place] = zip(total[place], sums[place]).map(+) }
        }
      },
      value: { worker, index in try add(worker.worker, pixels(index), &worker.sums) })
    return total.withLock { $0.map { $0.map { $0.mean(of: count) } } }
  }
}

/// What runs images, and the sums of the channels' means so far.
private final class MeansWorker<Worker> {
  let worker: Worker
  var sums: [[ExactSum]]

  init(worker: Worker, sums: [[ExactSum]]) { (self.worker, self.sums) = (worker, sums) }
}
