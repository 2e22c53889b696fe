// SPDX-License-Identifier: Apache-2.0

package import ResNetPlanFormat

extension TaughtPlan {
  /// Prepares a plan with the head that was taught.
  ///
  /// - Parameters:
  ///   - plan: the plan whose features the head was taught with.
  ///   - trainer: has been trained.
  ///   - photos: what it was trained with.
  ///   - teacher: who taught it, for the plan's provenance.
  ///   - memory: of this plan and these photos; it outlives the value, and the texts are written to it.
  /// - Throws: ``TaughtPlanError``.
  package init(
    _ plan: PlanView, _ trainer: borrowing HeadTrainer, _ photos: some LabelledFeatures,
    by teacher: TaughtTexts.Teacher, _ memory: borrowing TeachingMemory
  ) throws(TaughtPlanError) {
    let texts = TaughtTexts(plan, trainer, photos, by: teacher, memory.texts)
    var head = Head(
      weights: trainer.head.weights, bias: trainer.head.bias, classNames: texts.classNames,
      provenance: texts.provenance)
    if let rule = trainer.result?.strangers {
      head.strangerScore = rule.score
      head.strangerThreshold = Float(rule.threshold)
      head.classDirections = trainer.head.classDirections
    }
    try self.init(plan, head)
  }
}
