// SPDX-License-Identifier: Apache-2.0

import CResNetLibrary
import ResNetImages
import ResNetPlatform
import ResNetRuntime

/// What C asks of a session.
struct SessionOptions {
  var threads = Session.defaultThreadCount
  var batch = 1
  var cpus: CPUList?
  var instructionSet: InstructionSet?
  var memoryLimit: Int?
  var tuning = Tuning.none
  var arena: UnsafeMutableRawBufferPointer?
  var maximumPixels = RGBImage.maximumPixels

  /// Reads the options, or those that are the default.
  init(_ pointer: UnsafePointer<resnet_options>?) throws(Failure) {
    guard let pointer else { return }
    let options = try requireStruct(pointer, "resnet_options").pointee
    if let text = options.cpus {
      cpus = try attempt { () throws(SessionError) in try CPUList(parsing: text) }
    }
    if let name = options.instruction_set {
      instructionSet = try attempt { () throws(SessionError) in try InstructionSet(named: name) }
    }
    if options.threads > 0 {
      threads = Int(options.threads)
    } else if let cpus {
      threads = cpus.count
    }
    guard 1...64 ~= threads else { throw Failure(SessionError.threadCount(threads)) }
    if options.batch > 0 { batch = Int(options.batch) }
    guard 1...Session.batchLimit ~= batch else { throw Failure(SessionError.batch(batch)) }
    if options.memory_limit > 0 { memoryLimit = Int(clamping: options.memory_limit) }
    switch Int(options.tuning) {
    case RESNET_TUNING_NONE: break
    case RESNET_TUNING_MEASURED: tuning = .measured
    case RESNET_TUNING_RECORDED:
      tuning = .recorded(try bytes(options.tuning_text, options.tuning_size, "a tuning's text"))
    default:
      throw Failure(expected: "a RESNET_TUNING", found: "\(options.tuning)")
    }
    if options.arena != nil || options.arena_size != 0 {
      arena = UnsafeMutableRawBufferPointer(
        mutating: try bytes(options.arena, options.arena_size, "an arena"))
    }
    if options.max_image_pixels > 0 {
      maximumPixels = min(Int(clamping: options.max_image_pixels), RGBImage.maximumPixels)
    }
  }
}
