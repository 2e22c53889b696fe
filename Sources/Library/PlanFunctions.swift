// SPDX-License-Identifier: Apache-2.0

// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CResNetLibrary
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

extension Plan: HandleContent {
  static var name: StaticString { "a plan" }
  static var tag: UInt64 { 0x6E61_6C50_7465_6E20 }
}

@c @implementation
public func resnet_version() -> UnsafePointer<CChar>? { packageVersion.cString }

@c @implementation
public func resnet_plan_open(
  _ path: UnsafePointer<CChar>?, _ flags: UInt32, _ plan: UnsafeMutablePointer<OpaquePointer?>?
) -> resnet_status {
  report { () throws(Failure) in
    let (path, plan) = (try require(path, "a path"), try require(plan, "a place for the plan"))
    let isLoaded = try isLoaded(flags)
    let opened = try attempt { () throws(PlanError) in try Plan(path: path, isLoaded: isLoaded) }
    plan.pointee = try Handle.make(opened)
  }
}

@c @implementation
public func resnet_plan_open_memory(
  _ start: UnsafeRawPointer?, _ size: Int, _ flags: UInt32,
  _ plan: UnsafeMutablePointer<OpaquePointer?>?
) -> resnet_status {
  report { () throws(Failure) in
    let bytes = try bytes(start, size, "a plan's bytes")
    let plan = try require(plan, "a place for the plan")
    let isLoaded = try isLoaded(flags)
    guard isLoaded || Int(bitPattern: start) % PlanLayout.alignment == 0 else {
      throw Failure(
        expected: "bytes that start at a multiple of \(PlanLayout.alignment), or RESNET_LOAD",
        found: "an address that is none")
    }
    let opened = try attempt { () throws(PlanError) in
      try isLoaded ? Plan(copying: bytes) : Plan(unownedBytes: bytes)
    }
    plan.pointee = try Handle.make(opened)
  }
}

/// Whether the flags of a call ask for a copy.
private func isLoaded(_ flags: UInt32) throws(Failure) -> Bool {
  guard flags <= UInt32(RESNET_LOAD) else {
    throw Failure(expected: "RESNET_MAP or RESNET_LOAD", found: "\(flags)")
  }
  return flags == UInt32(RESNET_LOAD)
}

@c @implementation
public func resnet_plan_close(_ plan: OpaquePointer?) -> resnet_status {
  report { () throws(Failure) in try Handle<Plan>.close(plan) }
}

@c @implementation
public func resnet_plan_get_info(
  _ plan: OpaquePointer?, _ info: UnsafeMutablePointer<resnet_plan_info>?
) -> resnet_status {
  report { () throws(Failure) in
    let plan = try Handle<Plan>.find(plan)
    let info = try requireStruct(info, "a resnet_plan_info")
    let view = plan.pointee.content.view
    let preprocessing = view.preprocessing
    func floats(_ vector: SIMD3<Float>) -> (Float, Float, Float) { (vector.x, vector.y, vector.z) }
    info.pointee = resnet_plan_info(
      size: info.pointee.size, input_height: UInt32(view.model.imageHeight),
      input_width: UInt32(view.model.imageWidth), class_count: UInt32(view.classCount),
      feature_count: UInt32(view.featureCount), byte_count: UInt64(view.byteCount),
      summary: view.name(view.model.summary), provenance: view.provenance,
      fit: preprocessing.fit.rawValue,
      resize_height: UInt32(preprocessing.resize.height),
      resize_width: UInt32(preprocessing.resize.width),
      interpolation: preprocessing.interpolation.rawValue,
      is_grey: preprocessing.colors == .grey ? 1 : 0, mean: floats(preprocessing.mean),
      std: floats(preprocessing.std), output_count: UInt32(view.outputCount))
  }
}

@c @implementation
public func resnet_plan_class_name(
  _ plan: OpaquePointer?, _ index: Int
) -> UnsafePointer<CChar>? {
  guard let plan = try? Handle<Plan>.find(plan) else { return nil }
  let view = plan.pointee.content.view
  guard 0..<view.classCount ~= index, let name = view.className(index)?.baseAddress else {
    return nil
  }
  return UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func resnet_plan_get_output_info(
  _ plan: OpaquePointer?, _ index: Int, _ info: UnsafeMutablePointer<resnet_output_info>?
) -> resnet_status {
  report { () throws(Failure) in
    let plan = try Handle<Plan>.find(plan)
    let info = try requireStruct(info, "a resnet_output_info")
    let count = plan.pointee.content.outputCount
    guard 0..<count ~= index else {
      throw Failure(expected: "an output below \(count)", found: "\(UInt(bitPattern: index))")
    }
    let output = plan.pointee.content.output(at: index)
    info.pointee = resnet_output_info(
      size: info.pointee.size, name: plan.pointee.content.cName(of: output),
      channels: UInt32(output.channels), height: UInt32(output.height),
      width: UInt32(output.width), is_uint8: output.format == .uint8 ? 1 : 0, scale: output.scale,
      zero_point: UInt32(output.zeroPoint))
  }
}

@c @implementation
public func resnet_plan_get_memory(
  _ plan: OpaquePointer?, _ options: UnsafePointer<resnet_options>?,
  _ bytes: UnsafeMutablePointer<Int>?
) -> resnet_status {
  report { () throws(Failure) in
    let plan = try Handle<Plan>.find(plan)
    let options = try SessionOptions(options)
    let bytes = try require(bytes, "a place for the bytes")
    bytes.pointee =
      if case .none = options.tuning {
        plan.pointee.content.sessionByteCount(threads: options.threads, batch: options.batch)
      } else {
        plan.pointee.content.tunedSessionByteCount(
          threads: options.threads, batch: options.batch, memoryLimit: options.memoryLimit)
      }
  }
}
