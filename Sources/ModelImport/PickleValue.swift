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
  /// What a training loop kept beside the weights; its contents are not looked at.
  case inert

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
    case .inert: "an object without weights"
    }
  }
}

/// The number of an object in the array of the machine that made it.
struct PickleReference {
  let index: Int32
}

/// The few classes and functions that a state dictionary's pickle may name. They stand for what
/// PyTorch would call; no code of that name is looked up or run.
struct PickleGlobal {
  enum Kind {
    case orderedDictionary
    case rebuildTensor
    /// The same from before PyTorch 0.4, with fewer arguments.
    case rebuildOldTensor
    case rebuildParameter
    case storage(ElementType)
    /// A class of plain values that training loops keep beside the weights, such as their arguments.
    case inert
  }

  let kind: Kind
  /// The qualified name.
  let name: String

  private static let inertNames: Set = [
    "argparse.Namespace", "collections.Counter", "collections.defaultdict",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
    "_codecs.encode", "torch.Size", "torch.device", "pathlib.PosixPath", "pathlib.WindowsPath",
    "__builtin__.set", "builtins.set", "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
  ]

  init?(module: String, name: String) {
    self.name = "\(module).\(name)"
    switch (module, name) {
    case ("collections", "OrderedDict"): kind = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): kind = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor"): kind = .rebuildOldTensor
    case ("torch._utils", "_rebuild_parameter"): kind = .rebuildParameter
    case _ where Self.inertNames.contains(self.name): kind = .inert
    case ("torch", _):
      guard let type = ElementType(torchStorage: name) else { return nil }
      kind = .storage(type)
    default: return nil
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
