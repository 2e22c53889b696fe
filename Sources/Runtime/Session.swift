// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import CResNetThreads
import ResNetPlanFormat

/// A plan that is ready to run, with the memory and the threads that it needs.
///
/// ```swift
/// var session = try Session(Plan(path: "model.plan"))
/// session.run(pixels.span)              // 224 × 224 × 3 bytes, RGB
/// let best = session.withLogits { logits in logits.indices.max { logits[$0] < logits[$1] } }
/// ```
///
/// A session is used by one thread at a time. Several sessions of the same file share its pages; those of one
/// plan, by ``Plan/shared()``, share the weights of exact forms too, if they have no arena of the caller.
///
/// - **Allocates:** once, when it is made: ``Plan/sessionByteCount(threads:batch:)`` bytes if the caller
///   gives no arena, with a tuning up to ``Plan/tunedSessionByteCount(threads:batch:memoryLimit:)``, of which the system
///   provides what is used, and the thread pool if there is more than one thread. ``run(_:)`` allocates nothing
///   and makes no system call, except futex with more than one thread.
public struct Session: ~Copyable {
  /// What kernels may read past the end of an input.
  package static var overread: Int { Int(RN_OVERREAD) }

  /// The plan.
  public let plan: Plan

  /// The number of threads, the calling one included: fewer than were asked for where the system started fewer.
  public let threads: Int

  /// The highest instruction-set level in use.
  public let instructionSet: InstructionSet

  /// The most images of a run.
  public let batch: Int

  /// Bytes of memory that the session uses, except for the thread pool.
  public let byteCount: Int

  /// Bytes of the weights that the session made for exact forms of int8 convolutions; they replace int8 weights in
  /// the plan's file, whose pages are not read any more.
  public let formByteCount: Int

  /// The steps, bound to kernels.
  let steps: UnsafeBufferPointer<BoundStep>
  /// What is known of their exact forms; empty without a tuning.
  let forms: UnsafeBufferPointer<StepForms>

  /// The most images of a run of any session.
  public static var batchLimit: Int { 64 }

  private var executor: Executor
  let arena: UnsafeMutableRawPointer
  let kernels: rn_kernels
  private let ownsArena: Bool

  /// Makes a session.
  ///
  /// - Parameters:
  ///   - plan: the plan, which the session keeps.
  ///   - threads: 1…64; the results do not depend on it. Where the system does not start as many, as limits on
  ///     processes or memory may say, the session has those that it started: see ``threads``.
  ///   - batch: the most images of a run, 1…64; it changes memory and time, and no result.
  ///   - cpus: the CPU that each thread is bound to, as many as `threads`; nil leaves it to the system. The
  ///     calling thread, which is the first, stays as it is: see ``CPUList/bindCallingThread()``.
  ///   - instructionSet: the highest level to use; by default that of the environment variable
  ///     `RN_ISA`, or the best of this CPU. int8 plans give the same bits on every level.
  ///   - memoryLimit: bytes that the plan's file and the session may take together; nil for no limit. At most
  ///     that much goes into weights for exact forms.
  ///   - tuning: how int8 convolutions choose between direct sums and exact forms. The level `ref` stays direct.
  ///   - arena: memory that outlives the session, aligned to 64 bytes, at least
  ///     ``Plan/sessionByteCount(threads:batch:)`` bytes, of which a tuning uses what is left; allocated if nil.
  public init(
    _ plan: consuming Plan, threads: Int = 1, batch: Int = 1, cpus: CPUList? = nil,
    instructionSet: InstructionSet? = nil, memoryLimit: Int? = nil, tuning: Tuning = .none,
    arena: UnsafeMutableRawBufferPointer? = nil
  ) throws(SessionError) {
    guard 1...Int(RN_POOL_MAX_THREADS) ~= threads else { throw .threadCount(threads) }
    guard 1...Session.batchLimit ~= batch else { throw .batch(batch) }
    if let cpus, cpus.count != threads { throw .cpuCount(expected: threads, found: cpus.count) }
    let set: InstructionSet
    if let instructionSet {
      set = instructionSet
    } else {
      set = try InstructionSet.fromEnvironment()
    }
    let tuning = set == .reference && tuning.isMeasured ? .none : tuning
    let layout = try Session.layout(
      plan.view, threads: threads, batch: batch, memoryLimit: memoryLimit, tuning: tuning,
      arena: arena)
    let memory: UnsafeMutableRawPointer
    if let start = arena?.baseAddress {
      memory = start
    } else {
      // Weights for exact forms are the plan's, whose sessions share them.
      guard let start = aligned_alloc(PlanLayout.alignment, layout.formWeights) else {
        throw .outOfMemory(bytes: layout.formWeights)
      }
      memory = start
    }
    var pool: OpaquePointer?
    var started = UInt32(threads)
    if threads > 1 {
      let code =
        if let cpus {
          cpus.withNumbers { rn_pool_create(&pool, &started, $0) }
        } else {
          rn_pool_create(&pool, &started, nil)
        }
      guard code == 0 else {
        if arena == nil { free(memory) }
        throw .threads(errno: code)
      }
    }
    // What a kernel over-reads should be defined, and the same in every run.
    memset(memory, 0, layout.loadTimeWeights)
    var binder = Binder(
      plan: plan.view, kernels: KernelTable(upTo: set).kernels, set: set, threads: Int(started),
      tuningThreads: threads, arena: memory,
      loadTimeWeights: memory + layout.loadTimeWeights)
    // Of weights that are transformed, only those of one layer are resident at a time.
    if plan.view.loadTimeByteCount > 0 { plan.dropPages() }
    let stepCount = plan.view.stepCount
    let arenaCount = layout.batch.arenaCount
    let bound = (memory + layout.steps).bindMemory(
      to: BoundStep.self, capacity: arenaCount * stepCount)
    for index in 0..<stepCount {
      let step = plan.view.step(index)
      if binder.makeWeights(of: step) { plan.dropPages() }
      for image in 0..<arenaCount {
        binder.arena = memory + layout.batch.arena(ofImage: image)
        (bound + image * stepCount + index).initialize(to: binder.bind(step))
      }
    }
    binder.arena = memory
    let outputs = (memory + layout.outputs).bindMemory(
      to: OutputBytes.self, capacity: plan.view.outputCount)
    for index in 0..<plan.view.outputCount {
      (outputs + index).initialize(
        to: OutputBytes(plan.view.tensor(plan.view.output(index).tensor)))
    }
    let chosen: ChosenForms
    do throws(SessionError) {
      chosen = try ChosenForms(
        tuning, binder, pool, layout, in: memory, hasRoom: arena != nil, shared: plan.memory, bound)
    } catch {
      if let pool { rn_pool_destroy(pool) }
      if arena == nil { free(memory) }
      throw error
    }
    if chosen.byteCount > 0 { plan.dropPages() }
    forms = chosen.forms
    formByteCount = chosen.byteCount
    byteCount = layout.byteCount - layout.formWeightsByteCount + chosen.byteCount
    kernels = binder.kernels
    steps = UnsafeBufferPointer(start: bound, count: stepCount)
    executor = Executor(
      memory: memory, layout: layout.batch, steps: UnsafePointer(bound), stepCount: stepCount,
      outputs: UnsafeBufferPointer(start: outputs, count: plan.view.outputCount),
      scratch: memory + layout.scratch, scratchPitch: layout.scratchPitch, threads: Int(started),
      pool: pool, imageByteCount: plan.imageByteCount,
      images: UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)))
    logits = binder.values(plan.view.logitsTensor)
    features = binder.values(plan.view.featuresTensor)
    self.arena = memory
    ownsArena = arena == nil
    self.instructionSet = set
    self.threads = Int(started)
    self.batch = batch
    self.plan = plan
  }

  var pool: OpaquePointer? { executor.pool }

  deinit {
    if let pool = executor.pool { rn_pool_destroy(pool) }
    if ownsArena { free(arena) }
  }

  /// Computes the outputs of an image, or of several.
  ///
  /// Of several images, each thread computes whole ones; what is left over, or all if there are fewer images than
  /// threads, is computed by all threads together, one by one. The results are those of runs with one image each.
  ///
  /// - Parameter pixels: RGB8, rows from top to bottom, ``Plan/imageByteCount`` bytes for each image, one after the
  ///   other, as the plan's preprocessing makes them: 1…``batch`` images.
  /// - **Allocates:** nothing.
  public mutating func run(_ pixels: Span<UInt8>) {
    let count = pixels.count / plan.imageByteCount
    precondition(
      1...batch ~= count && count * plan.imageByteCount == pixels.count,
      "images of the plan's size, no more than the session takes")
    pixels.withUnsafeBufferPointer {
      executor.images = $0.baseAddress!
      executor.imageCount = count
      executor.run()
    }
  }

  /// The number of images of the last run; 1 before the first.
  public var imageCount: Int { executor.imageCount }

  /// Computes the same as ``run(_:)`` and takes the time of every step.
  ///
  /// - Parameters:
  ///   - pixels: one image, as for ``run(_:)``.
  ///   - timestamps: room for one number more than the plan has steps: filled with the nanoseconds of
  ///     the monotonic clock before the first step and after each one, once all threads are done with it.
  /// - **Allocates:** nothing.
  package mutating func run(
    _ pixels: Span<UInt8>, timestamps: UnsafeMutableBufferPointer<Int64>
  ) {
    precondition(timestamps.count > steps.count, "room for the start and every step")
    precondition(pixels.count == plan.imageByteCount, "an image of the plan's size")
    executor.timestamps = timestamps.baseAddress
    run(pixels)
    executor.timestamps = nil
  }

  /// The logits of the last run's first image, in the order of the classes; valid until the next run and as long
  /// as the session lives. None of a plan without logits.
  package let logits: UnsafeBufferPointer<Float>

  /// The pooled features of that image, before the classifier; valid as ``logits`` are. None of a plan without them.
  package let features: UnsafeBufferPointer<Float>

  /// The logits of an image of the last run, valid as ``logits`` are.
  package func logits(ofImage image: Int) -> UnsafeBufferPointer<Float> {
    vector(logits, ofImage: image)
  }

  /// The pooled features of an image of the last run, valid as ``logits`` are.
  package func features(ofImage image: Int) -> UnsafeBufferPointer<Float> {
    vector(features, ofImage: image)
  }

  private func vector(
    _ first: UnsafeBufferPointer<Float>, ofImage image: Int
  ) -> UnsafeBufferPointer<Float> {
    guard let start = first.baseAddress else { return first }
    let distance = arena(ofImage: image) - UnsafeRawPointer(arena)
    return UnsafeBufferPointer(
      start: (UnsafeRawPointer(start) + distance).assumingMemoryBound(to: Float.self),
      count: first.count)
  }

  /// Where the arena of an image of the last run begins, of which the outputs are there.
  func arena(ofImage image: Int) -> UnsafeRawPointer {
    precondition(0..<imageCount ~= image, "an image of the last run")
    return UnsafeRawPointer(arena) + executor.layout.arena(ofImage: image)
  }

  /// The kernel that does the work of a step.
  package func kernel(ofStep index: Int) -> StepKernel { steps[index].kernel }

  /// Writes the softmax of the logits or, of a single one, its sigmoid: the same bits on every CPU.
  ///
  /// - Parameters:
  ///   - image: one of the last run.
  ///   - probabilities: at least as many as there are classes.
  /// - **Allocates:** nothing.
  package func probabilities(
    ofImage image: Int = 0, into probabilities: UnsafeMutableBufferPointer<Float>
  ) {
    let logits = logits(ofImage: image)
    precondition(probabilities.count >= logits.count, "room for every class")
    if logits.isEmpty { return }
    guard logits.count > 1 else {
      // Of two classes whose other logit is 0, the softmax is the sigmoid.
      var pair: InlineArray<2, Float> = [0, logits[0]]
      withUnsafeMutablePointer(to: &pair) {
        $0.withMemoryRebound(to: Float.self, capacity: 2) { kernels.softmax_f32($0, $0, 2) }
      }
      probabilities[0] = pair[1]
      return
    }
    kernels.softmax_f32(
      logits.baseAddress, probabilities.baseAddress, UInt32(logits.count))
  }
}

#if !hasFeature(Embedded)
  // Only one owner has the pointers inside, to memory and a pool that no thread is bound to: a session that
  // moves to another thread takes all that it uses with it.
  extension Session: @unchecked Sendable {}
#endif
