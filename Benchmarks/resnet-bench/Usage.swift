// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool

let tool = Tool(
  name: "resnet-bench",
  help:
    """
    usage: resnet-bench MODEL.plan [--threads N | --cpus LIST] [--isa NAME] [--memory MB] [--tuning FILE | --no-tuning]
                        [--seconds S] [--batch N] [--per-block | --per-step] [--json FILE] [--csv FILE] [--svg FILE] [--baseline OLD.json]
           resnet-bench --help | --version

    Tells where the time of an inference goes, on an image of fixed random pixels.

      --threads N          1 to 64 (default: the fast cores this process may use)
      --cpus LIST          one thread on each of these CPUs, such as 4-7 or 0,2
      --isa NAME           highest instruction-set level to use, such as ref (default: the level in
                           the environment variable RN_ISA, else the best of this CPU)
      --memory MB          what plan and session may take together (default: no limit)
      --load               read the plan into memory instead of mapping its file
      --tuning FILE        takes the forms of int8 convolutions from FILE or, if there is none, measures
                           them and writes it: for the same plan, CPU and threads
      --no-tuning          direct sums, in the least memory
      --seconds S          how long to measure, 0.01 to 86400 (default 3); at least 20 runs
      --batch N            2 to 64: also runs N images in one call and tells images a second of both ways
      --per-block          a row for each block of the network (default)
      --per-step           a row for each step of the plan
      --json FILE          writes the measurement as JSON; with --per-step also the steps
      --csv FILE           writes the rows as CSV
      --svg FILE           draws the rows as a chart
      --baseline OLD.json  compares with a measurement that --json wrote

    First the session is tuned: int8 convolutions are timed in forms that give the same bits, and the
    fastest are used. Runs without and with the time of each step take turns: the first give the latency of the whole
    run, the others that of its parts, and the two together what timing costs. The multiply peak is
    measured at the start, on one thread, and counts once for each thread. Of a batch each thread computes
    whole images; one image at a time is shared by all threads. "noise" is how far the
    medians of ten consecutive parts of the measurement lie from each other (1.4826 times their median
    absolute deviation). A difference from the baseline is marked if it exceeds three times the noise
    of both, added as squares, and 2 %. Exit status: 0 done, 1 something failed, 2 wrong usage.

    examples:
      resnet-bench resnet18.plan
      resnet-bench resnet18.plan --threads 1 --json before.json --svg before.svg
      resnet-bench resnet18.plan --threads 1 --baseline before.json

    """)
