// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// One object that a pickle made. Containers refer to their contents by number.
///
/// Objects live in one flat array of the machine that made them: a hostile pickle can nest
/// containers a million deep or put one into itself, and neither deinitialization nor a search
/// then recurses.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  /// Its value is of no use here.
  case float
  case string(String)
  case tuple([PickleReference])
  case list([PickleReference])
  /// `dict` and `OrderedDict`, in order of insertion; a key set again appears again.
  case dictionary([(key: PickleReference, value: PickleReference)])
  case global(PickleGlobal)
  case storage(TorchStorage)
  case tensor(TorchTensor)
  /// Anything else that was kept beside the weights. It is never called, built into or used as a
  /// tensor, and its contents are not looked at. The text is what it is, such as a class's name.
  case opaque(String)

  /// What to call the value in an error message.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .int: "an integer"
    case .float: "a float"
    case .string: "a string"
    case .tuple(let items): "a tuple of \(items.count)"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .global(let global): "the class or function \(quoted(global.name))"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .opaque(let name): "an object (\(quoted(name)))"
    }
  }
}

/// The number of an object in the array of the machine that made it.
struct PickleReference {
  let index: Int32
}

/// The few classes and functions of which a state dictionary is made, and one kind for all others. They
/// stand for what PyTorch would call; no code of that name is looked up or run.
struct PickleGlobal {
  enum Kind {
    case dictionary
    case rebuildTensor
    /// The same from before PyTorch 0.4, with fewer arguments.
    case rebuildOldTensor
    case rebuildParameter
    /// A tensor or parameter that has Python attributes beside its values.
    case rebuildFromType
    case storage(ElementType)
    /// The class of a tensor as PyTorch itself has it.
    case tensorType
    case other
  }

  let kind: Kind
  /// The qualified name.
  let name: String

  init(module: String, name: String) {
    self.name = "\(module).\(name)"
    switch (module, name) {
    case ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "dict"),
      ("__builtin__", "dict"):
      kind = .dictionary
    case ("torch._utils", "_rebuild_tensor_v2"): kind = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor"): kind = .rebuildOldTensor
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
      kind = .rebuildParameter
    case ("torch._tensor", "_rebuild_from_type_v2"): kind = .rebuildFromType
    case ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"):
      kind = .tensorType
    case ("torch", _): kind = ElementType(torchStorage: name).map { .storage($0) } ?? .other
    default: kind = .other
    }
  }
}

/// A block of elements, in an archive at `data/<key>`.
struct TorchStorage: Hashable {
  var type: ElementType
  var key: String
  var elementCount: Int
}

/// A tensor as PyTorch's pickle describes it, not yet compared with its storage. Offset,
/// dimensions and strides are 0 or greater, and there are as many strides as dimensions.
struct TorchTensor {
  var storage: TorchStorage
  var view: StridedView
}
