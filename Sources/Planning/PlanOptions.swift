// SPDX-License-Identifier: Apache-2.0

/// What a plan holds besides the numbers of a scheme.
public struct PlanOptions: Sendable {
  /// One name for each logit, or none.
  public var classNames: [String] = []
  /// Lines of `key: value` about the plan's origin.
  public var provenance = ""
  /// The levels whose costs decide the Winograd forms of fp16 and float32 layers; all if there are none. int8
  /// layers leave the choice to the session.
  public var targets: [PlanTarget] = []
  /// Where the transformed weights of fp16 and float32 layers are.
  public var winograd = WinogradWeights.atLoad
  /// By how many bytes the transformed weights of fp16 and float32 layers may exceed the weights that they
  /// replace; by 5/4 of all such weights if nil, with which a ResNet18 in fp16 runs in 60 MB.
  public var winogradByteLimit: Int?
  /// Whether all tensors live to the end, to be looked at: a larger arena, the same results.
  public var keepsTensors = false

  public init() {}
}
