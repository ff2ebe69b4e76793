/* SPDX-License-Identifier: MIT
 *
 * wsgireload._native: the core as a Python module. It keeps no state and no object of its own, so
 * that one binary loads in every interpreter of a process, again and again.
 */
#include <Python.h>
#include <string.h>

#include "wsgireload.h"

/* For people, who are better served by U+FFFD than by an exception. */
static PyObject *text(const char *bytes)
{
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)strlen(bytes), "replace");
}

static PyObject *probe(PyObject *module, PyObject *unused)
{
    wsgireload_server server;

    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_probe(&server);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(NNN)", PyBool_FromLong(server.apache), text(server.version),
                         text(server.mpm));
}

static PyObject *restart(PyObject *module, PyObject *unused)
{
    wsgireload_outcome outcome;

    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_restart(&outcome);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(iiNN)", outcome.status, outcome.code, text(outcome.call),
                         text(outcome.message));
}

static PyObject *rearm(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_rearm();
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"probe", probe, METH_NOARGS,
     "probe($module, /)\n--\n\nWhat server this process is: (apache, version, mpm)."},
    {"restart", restart, METH_NOARGS,
     "restart($module, /)\n--\n\nAsk for a restart, once: (status, code, call, message)."},
    {"rearm", rearm, METH_NOARGS,
     "rearm($module, /)\n--\n\nLet restart() ask once more."},
    {NULL, NULL, 0, NULL},
};

/* Slots and values from CPython's moduleobject.h: 3.12 brought the first, 3.13 the second, and a
 * Python refuses what came after it. Headers of 3.11 have neither name. */
#define MULTIPLE_INTERPRETERS 3                 /* Py_mod_multiple_interpreters */
#define PER_INTERPRETER_GIL_SUPPORTED (void *)2 /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */
#define GIL 4                                   /* Py_mod_gil */
#define GIL_NOT_USED (void *)1                  /* Py_MOD_GIL_NOT_USED */

static PyModuleDef_Slot slots_3_11[] = {
    {0, NULL},
};

static PyModuleDef_Slot slots_3_12[] = {
    {MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static PyModuleDef_Slot slots_3_13[] = {
    {MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL_SUPPORTED},
    {GIL, GIL_NOT_USED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "wsgireload._native",
    .m_doc = "The C core; wsgireload.native is the way to it.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__native(void)
{
    /* The Python that runs, not the one that compiled: the binary is the same for all. */
    definition.m_slots = Py_Version >= 0x030D0000   ? slots_3_13
                         : Py_Version >= 0x030C0000 ? slots_3_12
                                                    : slots_3_11;
    return PyModuleDef_Init(&definition);
}
