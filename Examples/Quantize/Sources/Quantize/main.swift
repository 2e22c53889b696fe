// SPDX-License-Identifier: Apache-2.0

// Quantizes a checkpoint, measures the plan on labelled photos and classifies a photo with it.

import ResNetImages
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanning
import ResNetQuantization
import ResNetRuntime

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 6 else {
  fatalError("expected CHECKPOINT NAMES CALIBRATION LABELLED PHOTO OUTPUT, found \(words)")
}
let (checkpoint, photos, labelled) = (words[0], words[2], words[3])
let (photo, output) = (words[4], words[5])
let names = try readClassNames(words[1])

// The network, with batch normalization folded and every ReLU and addition fused into a convolution.
let program = try Program(Network(contentsOf: checkpoint), inputSize: 224)
let model = FloatModel(program, preprocessing: .imageNet(crop: 224))

// Every method is tried on a quarter of the photos; the one with the least noise takes the ranges.
let test = try LabelledImageFolder(labelled, classNames: names)
var quantization = try Quantization(of: model, on: ImageFolder(photos), threads: 2)
for trial in quantization.trials { print(trial.method, trial.comparison.logits.decibels, "dB") }

// Layers that int8 costs more than a point of accuracy get fp16 weights.
let result = try quantization.limitDrop(to: 1, on: test)
print("\(quantization.method); in fp16: \(quantization.floatLayers)")
print(
  "\(result.imageCount) photos: \(result.floatScore.first) right in float32, "
    + "\(result.score.first) in the plan")

var options = PlanOptions()
options.classNames = names
try Planner.write(quantization.scheme, options, to: output)

// What a board does with the plan.
var classifier = try Classifier(Plan(path: output), threads: 2)
for guess in try classifier.classify(contentsOf: photo).top(3) {
  print(guess.label, guess.probability)
}
