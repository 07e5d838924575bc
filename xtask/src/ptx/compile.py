"""Compiles CUDA source to PTX by NVRTC: compile.py SOURCE OUTPUT OPTION..."""

import ctypes
import pathlib
import sys

import nvidia.cuda_nvrtc

source, output, *options = sys.argv[1:]
folder = pathlib.Path(nvidia.cuda_nvrtc.__path__[0], "lib")
nvrtc = ctypes.CDLL(str(next(folder.glob("libnvrtc.so.*"))))

program, size = ctypes.c_void_p(), ctypes.c_size_t()
text = pathlib.Path(source).read_bytes()
if nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, b"keccak.cu", 0, None, None):
    sys.exit("NVRTC takes no program")
arguments = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
failed = nvrtc.nvrtcCompileProgram(program, len(options), arguments)
nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
log = ctypes.create_string_buffer(size.value)
nvrtc.nvrtcGetProgramLog(program, log)
if failed:
    sys.exit(log.value.decode())
nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
ptx = ctypes.create_string_buffer(size.value)
nvrtc.nvrtcGetPTX(program, ptx)
pathlib.Path(output).write_bytes(ptx.value)
