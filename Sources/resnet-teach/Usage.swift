// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool

let tool = Tool(
  name: "resnet-teach",
  help:
    """
    usage: resnet-teach MODEL.plan --photos DIR -o NEW.plan [--flip] [--reject N%]
                        [--keep-features FILE] [--report FILE.html|FILE.json] [--json] [SESSION OPTIONS]
           resnet-teach --help | --version

    Teaches a plan your own classes with a few dozen photos of each: DIR/CLASS/*, JPEG or PNG. The new
    plan has the network of the old one, another last layer and the names of the folders as classes.

      --photos DIR         folders of photos, each named like its class
      -o, --output FILE    the plan to write
      --flip               learns from mirrored photos too
      --reject N%          lets resnet-run say "unknown" of what is none of the classes, at the price of
                           N % of the photos that are, 0 to 50 such as 2% or 0.5%
      --keep-features FILE takes the photos of FILE too, if it is there, and writes all of them to it: they
                           need not be there the next time. A photo that is in it is not computed again
      --report FILE        what is known about the new plan, as a page (.html) or as data (.json)
      --json               the same data instead of text on standard output

    session options, which change time and memory and no result:
      --isa NAME           highest instruction-set level to use, such as ref
      --threads N          1 to 64 (default: the fast cores this process may use)
      --cpus LIST          one thread on each of these CPUs, such as 4-7 or 0,2
      --memory MB          what plan and session may take together; with it, the session is tuned for 64
                           photos and more
      --load               read the plan into memory instead of mapping its file
      --tuning FILE        takes the forms of int8 convolutions from FILE or measures and writes them
      --no-tuning          direct sums

      --                   what follows are files, even if it starts with a dash

    What is printed was found with photos left out: each photo is judged by a head that was taught without
    it. How strong the penalty on the weights is and how far probabilities can be believed is found in the
    same way. The same photos give the same bytes with any number of threads and on every CPU; of a plan
    with --accumulate fp16 only among CPUs with fp16 arithmetic.

    A photo that cannot be read is left out and told. Exit status: 0 done, 1 something failed, 2 wrong
    usage; a plan is written whole or not at all.

    examples:
      resnet-teach resnet18.plan --photos bins/ -o bins.plan
      resnet-teach resnet18.plan --photos bins/ -o bins.plan --reject 2% --report bins.html
      resnet-teach resnet18.plan --photos more/ -o bins.plan --keep-features bins.features

    """)
