"""The command lines that are recorded: every row of docs/compatibility.md's list, and what lies between the rows.

A case has a title, the words of the command line, and its input files (see folders.add_input). `{work}` and `{tmp}`
stand for the two folders of a case. BASE are the three options that must be there.
"""

from __future__ import annotations

NAME = ["--model-name", "m"]
VERSION = ["--version", "1.0"]
HANDLER = ["--handler", "handler.py"]
BASE = [*NAME, *VERSION, *HANDLER]
FORMATS = ("default", "tgz", "zip-store", "no-archive")
OUTPUTS = {"default": "m.mar", "tgz": "m.tar.gz", "zip-store": "m.mar", "no-archive": "m/old.txt"}
TREE = ["dir/a.txt", "dir/sub/b.txt", "dir/sub/deep/c.txt", "dir/.env", "dir/empty/"]

cases: list[dict] = []


def case(title: str, words: list[str], *more, files=(), **rest) -> None:
    """Adds one; handler.py is always there unless `bare`."""
    given = [] if rest.pop("bare", False) else ["handler.py"]
    cases.append({"title": title, "words": [*words, *more], "files": [*given, *files], **rest})


def extra(title: str, value: str, files=(), **rest) -> None:
    case(f"extra files: {title}", BASE, "--extra-files", value, files=files, **rest)


# --- help, and what the parser says -----------------------------------------------------------------------------
case("--help", ["--help"])
case("-h", ["-h"])
case("-h among other options", [*BASE, "-fh"])
case("--help wins over what is missing", ["--model-name", "m", "--he"])
for columns in ("40", "120", "200", "10", "0", "x"):
    case(f"--help in {columns} columns", ["--help"], env={"COLUMNS": columns})
case("usage in 120 columns", ["--nope"], env={"COLUMNS": "120"})
case("nothing at all", [])
case("only a name", NAME)
case("no version", [*NAME, *HANDLER])
case("no handler", [*NAME, *VERSION])
case("no name", [*VERSION, *HANDLER])
case("an option without its value", [*BASE, "--extra-files"])
case("a short option without its value", [*BASE, "-r"])
case("an option where a value should be", [*NAME, *HANDLER, "-v", "--force"])
case("a value that looks like an option", [*BASE, "--extra-files", "-x"])
case("a value that is a negative number", [*NAME, *HANDLER, "-v", "-1.5"])
case("a value with a blank that begins with a dash", [*NAME, *HANDLER, "-v", "-a b"])
case("a value that is a dash", [*NAME, *HANDLER, "-v", "-"])
case("an unknown long option", [*BASE, "--source-vocab", "x"])
case("an unknown short option", [*BASE, "-z"])
case("--no-archive of old documents", [*BASE, "--no-archive"])
case("--model-path of old documents", [*BASE, "--model-path", "x"])
case("a positional argument", [*BASE, "pos"])
case("several positional arguments", [*BASE, "one", "two words"])
case("a lone double dash", [*BASE, "--"])
case("options after a double dash", [*BASE, "--", "-f"])
case("everything after a double dash", ["--", *BASE])
case("an ambiguous prefix", ["--model", "m", *VERSION, *HANDLER])
case("another ambiguous prefix", [*BASE, "--ex", "x"])
case("a prefix of two letters that is ambiguous", [*BASE, "--re", "x", "--h", "x"])
case("a bad runtime", [*BASE, "--runtime", "python2"])
case("a bad runtime with a quote", [*BASE, "--runtime", "it's"])
case("a bad runtime beyond ASCII", [*BASE, "--runtime", "größe\n"])
case("an empty runtime", [*BASE, "--runtime", ""])
case("a runtime in capitals", [*BASE, "--runtime", "Python"])
case("a bad runtime before what is missing", ["--runtime", "x"])
case("a bad archive format", [*BASE, "--archive-format", "zip"])
case("an empty archive format", [*BASE, "--archive-format", ""])
case("a value for a flag", [*BASE, "--force=yes"])
case("a value for a short flag", [*BASE, "-fx"])
case("a value for a short flag with an equals sign", [*BASE, "-f=x"])
case("a value after a flag", [*BASE, "--force", "x"])
case("two values for one option", [*BASE, "--extra-files", "a", "b"])
case("a prefix that is no option", [*BASE, "--handlers", "x"])
case("three dashes", [*BASE, "---"])
case("an argument file is not read", [*BASE, "@file"], files=["file"])

# --- spellings that are equal -----------------------------------------------------------------------------------
ALL = ["weights.pt", "net.py", "extra.txt", "requirements.txt", "model-config.yaml", "out/"]
case("equals signs", ["--model-name=m", "--version=1.0", "--handler=handler.py"])
case("short options", [*NAME, *HANDLER, "-v", "1.0", "-r", "requirements.txt", "-c", "model-config.yaml"], files=ALL)
case("short options joined to their values", [*NAME, *HANDLER, "-v1.0", "-rrequirements.txt", "-cmodel-config.yaml"], files=ALL)
case("short options with an equals sign", [*NAME, *HANDLER, "-v=1.0"])
case("short flags that combine", [*NAME, *HANDLER, "-fv", "1.0"], files=["m.mar"])
case("short flags that combine, joined to a value", [*NAME, *HANDLER, "-ffv1.0"])
case("a flag inside a joined value is a value", [*NAME, *HANDLER, "-vf"])
for prefix, rest in {
    "--model-n": ["m", *VERSION, *HANDLER],
    "--v": ["1.0", *NAME, *HANDLER],
    "--vers": ["1.0", *NAME, *HANDLER],
    "--hand": ["handler.py", *NAME, *VERSION],
    "--ha": ["handler.py", *NAME, *VERSION],
    "--s": ["weights.pt", *BASE],
    "--serialized": ["weights.pt", *BASE],
    "--model-f": ["net.py", *BASE],
    "--ext": ["extra.txt", *BASE],
    "--extra": ["extra.txt", *BASE],
    "--ru": ["python3", *BASE],
    "--exp": ["out", *BASE],
    "--export": ["out", *BASE],
    "--a": ["tgz", *BASE],
    "--archive": ["zip-store", *BASE],
    "--f": BASE,
    "--fo": BASE,
    "--req": ["requirements.txt", *BASE],
    "--c": ["model-config.yaml", *BASE],
    "--conf": ["model-config.yaml", *BASE],
}.items():
    case(f"the prefix {prefix}", [prefix, *rest], files=ALL)
case("a prefix with an equals sign", [*BASE, "--ser=weights.pt"], files=ALL)
case("an option twice: the last one counts", [*BASE, "--version", "2.0", "--model-name", "n"])
case("extra files twice: the last one counts", [*BASE, "--extra-files", "extra.txt", "--extra-files", "net.py"], files=ALL)
case("options in any order", ["-f", *HANDLER, "--runtime", "LSP", *VERSION, "--runtime", "python", *NAME])
case("the tutorial's command",
     ["--model-name", "embedding", "--version", "1.0", "--serialized-file", "model.pt", "--extra-files",
      "MyHandler.py,faiss_index.bin,faiss_label.json", "--handler", "handler.py"],
     files=["model.pt", "MyHandler.py", "faiss_index.bin", "faiss_label.json"])

# --- the least, the most, the empty -----------------------------------------------------------------------------
for form in FORMATS:
    case(f"the least, {form}", [*BASE, "--archive-format", form])
    case(f"everything, {form}",
         [*BASE, "--archive-format", form, "--serialized-file", "weights.pt", "--model-file", "net.py", "--extra-files",
          "extra.txt,dir", "--requirements-file", "requirements.txt", "--config-file", "model-config.yaml",
          "--export-path", "out", "--runtime", "python3", "--force"], files=[*ALL, *TREE])
    case(f"an output that is there, {form}", [*BASE, "--archive-format", form], files=[OUTPUTS[form]])
    case(f"an output that is there, with force, {form}", [*BASE, "--archive-format", form, "--force"], files=[OUTPUTS[form]])
    case(f"an output that is there in an export path, {form}",
         [*BASE, "--archive-format", form, "--export-path", "out/"], files=["out/" + OUTPUTS[form]])
    case(f"a missing input with force leaves the output alone, {form}",
         [*BASE, "--archive-format", form, "-f", "--serialized-file", "nope.pt"], files=[OUTPUTS[form]])
for option in ("serialized-file", "model-file", "extra-files", "requirements-file", "config-file", "export-path"):
    case(f"--{option} given as the empty text", [*BASE, f"--{option}", ""])
case("the version given as the empty text", [*NAME, *HANDLER, "--version="])
case("the handler given as the empty text", [*NAME, *VERSION, "--handler", ""])
case("a version of any text", [*NAME, *HANDLER, "-v", "größe \"1\"\\/\x7f\u2028😀\t"])
case("a version of several lines", [*NAME, *HANDLER, "-v", "a\nb"])
for runtime in ("python", "python3", "LSP"):
    case(f"the runtime {runtime}", [*NAME, *VERSION, "--handler", "handler", "--runtime", runtime], files=["handler.so"])

# --- model names ------------------------------------------------------------------------------------------------
for name in ("mnist-2.0_x", "7", "A", "a..b", "resnet.v1.mar"):
    case(f"the model name {name}", ["--model-name", name, *VERSION, *HANDLER])
for name in ("", "-m", "_m", ".m", "a b", "a/b", "ü", "m\n\n", "m!", "a:b", "../m"):
    case(f"the model name {name!r}", [f"--model-name={name}", *VERSION, *HANDLER])
case("a bad model name comes before a bad export path", ["--model-name", "a b", *VERSION, *HANDLER, "--export-path", "handler.py"])
case("a model name that ends in a newline", ["--model-name", "m\n", *VERSION, *HANDLER])

# --- export paths -----------------------------------------------------------------------------------------------
case("an export path that is absolute", [*BASE, "--export-path", "{work}/out"], files=["out/"])
case("an export path with dots", [*BASE, "--export-path", "./out/../out/."], files=["out/"])
case("an export path that is a link to a folder", [*BASE, "--export-path", "link"], files=["out/", {"path": "link", "link": "out"}])
case("an export path that is a file", [*BASE, "--export-path", "handler.py"])
case("an export path below a file", [*BASE, "--export-path", "handler.py/out"])
case("an export path that is missing", [*BASE, "--export-path", "nope"])
case("an export path whose parents are missing", [*BASE, "--export-path", "nope/deep/er"])
case("an export path comes before a missing input", [*BASE, "--export-path", "handler.py", "--serialized-file", "nope"])
case("an output that is there comes before a missing input", [*BASE, "--serialized-file", "nope"], files=["m.mar"])
case("an output in an absolute export path", [*BASE, "--export-path", "{work}/out"], files=["out/m.mar"])
case("an output in the folder .", [*BASE, "--export-path", "."], files=["m.mar"])
case("an output that is a folder", BASE, files=["m.mar/x"])
case("an output that is a folder, with force", [*BASE, "-f"], files=["m.mar/x"])
case("an output folder that is a file, with force", [*BASE, "-f", "--archive-format", "no-archive"], files=["m"])
case("an output that is a link to a file, with force", [*BASE, "-f"], files=["old.mar", {"path": "m.mar", "link": "old.mar"}])
case("a .mar does not hinder a .tar.gz", [*BASE, "--archive-format", "tgz"], files=["m.mar"])
case("a folder keeps what else is in it, with force",
     [*BASE, "--archive-format", "no-archive", "-f", "--extra-files", "dir"],
     files=[*TREE, "m/weights.bin", "m/handler.py", "m/sub/own.txt", "m/MAR-INF/MANIFEST.json"])
case("a folder whose file is a folder in the way, with force",
     [*BASE, "--archive-format", "no-archive", "-f"], files=["m/handler.py/x"])
case("no-archive into the temporary folder", [*BASE, "--archive-format", "no-archive", "--export-path", "{tmp}"])
case("a folder of the model's name in the temporary folder",
     [*BASE, "--serialized-file", "{tmp}/m/weights.pt"], files=["{tmp}/m/weights.pt"])

# --- handlers ---------------------------------------------------------------------------------------------------
BUILT_IN = ("base_handler", "text_classifier", "image_classifier", "object_detector", "image_segmenter",
            "dali_image_classifier", "vllm_handler", "trt_llm_handler")
for handler in BUILT_IN:
    case(f"the built-in handler {handler}", [*NAME, *VERSION, "--handler", handler])
case("a local file does not replace a built-in handler", [*NAME, *VERSION, "--handler", "image_classifier"],
     files=["image_classifier.py", "image_classifier"])
for handler in ("handler", "src/h.py", "src/h", "./src/../src/h.py", "{work}/src/h.py", "src/h:fn", "src/h:fn:more", "h.py.bak",
                "h.py", "h:", "handler.py/", "handler.py:fn", "src/h.py:fn", "pkg.py/h", "pkg.py/h.py", "densenet_handler",
                "vision_handler", "text_handler", "nope", "nope.py", "nope:fn", "src", "src/", "HANDLER.PY", ":fn",
                "image_classifier:fn", "src/image_classifier", "link.py", "dangling.py", "empty.pyc"):
    case(f"the handler {handler}", [*NAME, *VERSION, "--handler", handler],
         files=["src/h.py", "h.py.bak", "h.py", "pkg.py/h", "pkg.py/h.py", "densenet_handler.py", "src/image_classifier.py",
                {"path": "link.py", "link": "src/h.py"}, {"path": "dangling.py", "link": "nowhere"}, "empty.pyc"])
for handler in ("BaseHandler", "TorchScriptHandler", "lib/mine", "lib/mine:Class", "lib/mine.so", "handler.py"):
    case(f"the LSP handler {handler}", [*NAME, *VERSION, "--runtime", "LSP", "--handler", handler],
         files=["lib/mine.so", "handler.py.so"])

# --- single files -----------------------------------------------------------------------------------------------
for option in ("serialized-file", "model-file", "requirements-file", "config-file"):
    for value, what in {"nope.bin": "is missing", "dir": "is a folder", "dir/": "is a folder with a slash",
                        "no/where.bin": "lies in a missing folder", "file.bin/": "is a file with a slash",
                        "file.bin/x": "lies below a file", "loop": "is a link to itself",
                        "pipe": "is a pipe"}.items():
        if option == "serialized-file" or value in ("nope.bin", "dir"):
            case(f"--{option} {what}", [*BASE, f"--{option}", value],
                 files=["dir/x", "file.bin", {"path": "loop", "link": "loop"}, {"path": "pipe", "pipe": True}])
    case(f"--{option} in a folder", [*BASE, f"--{option}", "a/b/file.bin"], files=["a/b/file.bin"])
case("a file name that is too long", [*BASE, "--serialized-file", "x" * 300])
case("a file name with a quote", [*BASE, "--serialized-file", "it's"])
case("a file name with both quotes", [*BASE, "--serialized-file", "it's \"x\"\\"])
case("a file name with a newline and a tab", [*BASE, "--serialized-file", "a\n\tb\x1b\u200b"])
case("a file name beyond ASCII", [*BASE, "--serialized-file", "größe/数字😀.pt"])
case("a file that is there, beyond ASCII", [*BASE, "--serialized-file", "größe/数字😀.pt"], files=["größe/数字😀.pt"])
case("no extension is needed", [*BASE, "--serialized-file", "weights", "--model-file", "net.txt"], files=["weights", "net.txt"])
case("/dev/null is an empty file", [*BASE, "--requirements-file", "/dev/null"])
case("a file that may not be read", [*BASE, "--serialized-file", "secret.pt"],
     files=[{"path": "secret.pt", "mode": "000"}], user="nobody")
case("an extra file that may not be read", [*BASE, "--extra-files", "secret.txt"],
     files=[{"path": "secret.txt", "mode": "000"}], user="nobody")
case("an export path that may not be written", [*BASE, "--export-path", "{work}/out"],
     files=[{"path": "out/", "mode": "555"}], user="nobody")
case("a folder in an export path that may not be written", [*BASE, "--export-path", "out", "--archive-format", "no-archive"],
     files=[{"path": "out/", "mode": "555"}], user="nobody")
case("permission bits are kept", [*BASE, "--extra-files", "run.sh,key,dir", "--serialized-file", "w.pt"],
     files=[{"path": "run.sh", "mode": "755"}, {"path": "key", "mode": "600"}, {"path": "dir/x.sh", "mode": "711"},
            {"path": "w.pt", "mode": "444"}])
case("the order of missing files: the model file is first", [*BASE, "--config-file", "c", "--serialized-file", "b", "--model-file", "a"])
case("the order of missing files: weights before the handler", [*NAME, *VERSION, "--handler", "nope", "--serialized-file", "b"])
case("the order of missing files: the handler before extra files", [*NAME, *VERSION, "--handler", "nope", "--extra-files", "b"])
case("the order of missing files: extra files before requirements", [*BASE, "-r", "r", "--extra-files", "b"])
case("the order of missing files: requirements before the configuration", [*BASE, "-c", "c", "-r", "r"])
case("one base name for two options: the later is kept", [*BASE, "--serialized-file", "a/x", "--model-file", "b/x", "-c", "c/x"],
     files=["a/x", "b/x", "c/x"])

# --- extra files ------------------------------------------------------------------------------------------------
extra("a file", "extra.txt", ["extra.txt"])
extra("several files", "extra.txt,conf/a.json,{work}/b.bin", ["extra.txt", "conf/a.json", "b.bin"])
extra("a folder", "dir", TREE)
extra("a folder with a slash", "dir/", TREE)
extra("a folder with two slashes", "dir//", TREE)
extra("all that a folder holds", "dir/*", TREE)
extra("the current folder", ".", TREE)
extra("the folder above a folder", "dir/..", TREE)
extra("an absolute folder, as SageMaker gives it", "{work}/opt/ml/model", ["opt/ml/model/code/inference.py", "opt/ml/model/model.pth"])
extra("a trailing comma", "extra.txt,", ["extra.txt"])
extra("leading and doubled commas", ",,extra.txt,,", ["extra.txt"])
extra("only commas", ",,")
extra("a blank after a comma", "extra.txt, b.txt", ["extra.txt", "b.txt"])
extra("a blank before a comma", "extra.txt ,b.txt", ["extra.txt", "b.txt"])
extra("a blank piece", "extra.txt, ", ["extra.txt"])
extra("a file whose name begins with a blank", " b.txt", [" b.txt", "b.txt"])
extra("a file whose name begins with a blank, and none without", " b.txt", [" b.txt"])
extra("a blank before a wildcard", "extra.txt, b*.txt ", ["extra.txt", "b1.txt"])
extra("a missing file", "extra.txt,nope.txt", ["extra.txt"])
extra("a missing file in a missing folder", "no/pe.txt")
extra("a file with a slash", "extra.txt/", ["extra.txt"])
extra("a file below a file", "extra.txt/x", ["extra.txt"])
extra("a name that is too long", "y" * 300)
extra("a name with braces and a tilde", "~,{a}", ["~", "{a}"])
extra("a tilde is not the home folder", "~/x")
extra("a variable is not expanded", "$HOME")
extra("a file twice", "extra.txt,extra.txt,./extra.txt", ["extra.txt"])
extra("one name from two folders: the later is kept", "a/x.txt,b/x.txt", ["a/x.txt", "b/x.txt"])
extra("one name in two folders: the later is kept", "a,b", ["a/x.txt", "b/x.txt"])
extra("one folder name in two folders", "a,b", ["a/sub/x.txt", "b/sub/y.txt"])
extra("a folder twice", "a,a", ["a/x.txt"])
extra("a folder with a sub-folder twice", "a,a/", ["a/sub/x.txt"])
extra("a folder that has the name of an earlier file", "x,a", ["x", "a/x/y.txt"])
extra("a file that has the name of an earlier folder", "a,x", ["x", "a/x/y.txt"])
extra("the handler again", "other/handler.py", ["other/handler.py"])
extra("a folder that holds the handler and more", ".")
extra("a link to a file", "link", ["extra.txt", {"path": "link", "link": "extra.txt"}])
extra("a link to a folder", "link", [*TREE, {"path": "link", "link": "dir"}])
extra("a dangling link", "link", [{"path": "link", "link": "nowhere"}])
extra("a dangling link that a wildcard finds", "l*", [{"path": "link", "link": "nowhere"}])
extra("a dangling link in a folder", "a", ["a/x.txt", {"path": "a/link", "link": "nowhere"}])
extra("a dangling link in a sub-folder", "a", ["a/sub/x.txt", {"path": "a/sub/link", "link": "nowhere"}])
extra("links in a folder are followed", "a", ["x.txt", "b/y.txt", {"path": "a/link.txt", "link": "../x.txt"},
                                             {"path": "a/links/to", "link": "../../b"}])
extra("a pipe", "pipe", [{"path": "pipe", "pipe": True}])
extra("a pipe in a folder", "a", ["a/x.txt", {"path": "a/pipe", "pipe": True}])
extra("a pipe in a sub-folder", "a", ["a/sub/x.txt", {"path": "a/sub/pipe", "pipe": True}])
extra("a folder that is empty", "dir", ["dir/"])
extra("what is filtered", "dir", ["dir/.git/config", "dir/__pycache__/a.pyc", "dir/__MACOSX/x", "dir/sub/__pycache__/b.pyc",
                                  "dir/sub/.hidden/c", "dir/sub/__MACOSX/d", "dir/.env", "dir/sub/.env", "dir/a.pyc",
                                  "dir/.DS_Store", "dir/sub/.DS_Store", "dir/__pycache__x/e", "dir/old.mar"])
for form in FORMATS:
    case(f"extra files: what is filtered, {form}", [*BASE, "--archive-format", form, "--extra-files", "dir,.hidden,__pycache__"],
         files=["dir/.git/config", "dir/__pycache__/a.pyc", "dir/sub/.x/y", "dir/z.pyc", ".hidden/shown.txt",
                "__pycache__/shown.pyc", "dir/sub/.keep"])
extra("a hidden folder, given itself", ".hidden/", [".hidden/x", ".hidden/.y"])
extra("an old time", "old.txt", [{"path": "old.txt", "modified": 0}])
extra("an archive that was unpacked", "dir", ["dir/MAR-INF/MANIFEST.json", "dir/model.pt"])
case("extra files: an archive that was unpacked, tgz", [*BASE, "--archive-format", "tgz", "--extra-files", "dir"],
     files=["dir/MAR-INF/MANIFEST.json", "dir/model.pt"])
case("extra files: an archive that was unpacked, no-archive", [*BASE, "--archive-format", "no-archive", "--extra-files", "dir"],
     files=["dir/MAR-INF/MANIFEST.json", "dir/model.pt"])
extra("a name with a newline", "a?b", ["a\nb"])
extra("a name with a backslash", "dir", ["dir/a\\b.txt"])

# --- wildcards --------------------------------------------------------------------------------------------------
WILD = ["a1.txt", "a2.txt", "b1.txt", ".h1.txt", "d/a3.txt", "d/.h2.txt", "d/e/a4.txt", "d/e/f/a5.txt", "[x].txt", "A1.txt",
        "a^.txt", "a-.txt", "a].txt"]
for pattern in ("*.txt", "a*", "a?.txt", "?1.txt", "[ab]1.txt", "[!a]1.txt", "[^a]1.txt", "[a-b]?.txt", "a[]1].txt", "a[^1].txt",
                "a[!1]*", "[[]x].txt", "[x].txt", "a[.txt", "a].txt", "a[1", "d/*", "*/a*.txt", "**", "**/a*.txt", "d/**/a*.txt",
                "*/", "d*/*", ".*", ".h*", "d/.h*", "{work}/a*.txt", "./a1*", "nope*", "nope*,a1.txt", "d/../a1*", "*/../b*",
                "a[z-a].txt", "a[-1].txt", "[", "]", "*[", "d/e/*/*", "no/*", "{a,b}1.txt", "a1.txt/*", "[a-ac]1.txt", "a[1-]*"):
    extra(f"the pattern {pattern}", pattern, WILD)
