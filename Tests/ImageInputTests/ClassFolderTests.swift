// SPDX-License-Identifier: Apache-2.0

import ResNetImages
import Testing

@Suite struct ClassFolderTests {
  private let names = ["n01 tench", "n02 great white shark", "dog", "n03 dog", "n03 cat"]

  @Test func foldersAreNamedLikeClassesOrTheirFirstWords() throws {
    let folders = ["dog", "n01", "n02 great white shark"]
    #expect(try matchFolders(folders, toClasses: names, count: 5) == [2, 0, 1])
  }

  @Test func aWordThatStartsTwoNamesIsNoClass() {
    #expect(throws: FolderMismatch.someNames(count: 1, folders: 2)) {
      try matchFolders(["n01", "n03"], toClasses: names, count: 5)
    }
  }

  @Test func aPartOfAWordIsNoClass() {
    #expect(throws: FolderMismatch.count(folders: 2, classes: 5)) {
      try matchFolders(["n0", "tench"], toClasses: names, count: 5)
    }
  }

  @Test func asManyFoldersOfOtherNamesStandForTheClassesInOrder() throws {
    #expect(try matchFolders(["a", "b"], toClasses: ["x", "y"], count: 2) == [0, 1])
    #expect(try matchFolders(["a", "b", "c"], toClasses: [], count: 3) == [0, 1, 2])
    #expect(throws: FolderMismatch.count(folders: 1, classes: 3)) {
      try matchFolders(["a"], toClasses: [], count: 3)
    }
  }

  @Test(arguments: [
    ("a.jpg", true), ("A.JPEG", true), ("folder.x/b.Png", true), ("c.gif", false), ("jpg", false),
    ("d.jpg.txt", false), ("", false),
  ])
  func imagesAreToldByTheirNames(name: String, isImage: Bool) {
    #expect(isImageName(name) == isImage)
  }
}
