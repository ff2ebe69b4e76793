/* SPDX-License-Identifier: MIT
 *
 * wsgireload._native: the core as a Python module. It keeps no state and no object of its own, so
 * that one binary loads in every interpreter of a process, again and again.
 */
#include <Python.h>
#include <limits.h>
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
    return Py_BuildValue("(NNNkiiiN)", PyBool_FromLong(server.apache), text(server.version),
                         text(server.mpm), server.parent, server.state, server.generation,
                         server.restart, text(server.refusal));
}

static PyObject *told(const wsgireload_outcome *outcome)
{
    return Py_BuildValue("(iiNN)", outcome->status, outcome->code, text(outcome->call),
                         text(outcome->message));
}

static PyObject *command_line(PyObject *module, PyObject *unused)
{
    const unsigned short *line = wsgireload_command_line();
    Py_ssize_t length = 0;
    int order = -1; /* little-endian, as Windows has it */

    (void)module, (void)unused;
    while (line != NULL && line[length] != 0)
        length++;
    return PyUnicode_DecodeUTF16((const char *)line, 2 * length, "surrogatepass", &order);
}

static PyObject *restart(PyObject *module, PyObject *unused)
{
    wsgireload_outcome outcome;

    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_restart(&outcome);
    Py_END_ALLOW_THREADS
    return told(&outcome);
}

static PyObject *rearm(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_rearm();
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

static PyObject *linger(PyObject *module, PyObject *argument)
{
    unsigned long seconds = PyLong_AsUnsignedLong(argument);
    wsgireload_outcome outcome;

    (void)module;
    if (PyErr_Occurred())
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_linger(seconds < UINT_MAX ? (unsigned)seconds : UINT_MAX, &outcome);
    Py_END_ALLOW_THREADS
    return told(&outcome);
}

/* A path as Windows has it: UTF-16, lone surrogates and all, with a NUL at its end. */
static PyObject *utf16(PyObject *path)
{
    PyObject *ended, *encoded;
    Py_ssize_t length = PyUnicode_Check(path) ? PyUnicode_GetLength(path) : -1;

    if (length < 0)
        return PyErr_Format(PyExc_TypeError, "a path is str here, not %R", Py_TYPE(path));
    if (PyUnicode_FindChar(path, 0, 0, length, 1) >= 0)
        return PyErr_Format(PyExc_ValueError, "embedded null character");
    ended = PyUnicode_FromFormat("%U%c", path, 0);
    if (ended == NULL)
        return NULL;
    encoded = PyUnicode_AsEncodedString(ended, "utf-16-le", "surrogatepass");
    Py_DECREF(ended);
    return encoded;
}

static PyObject *open_shared(PyObject *module, PyObject *path)
{
    PyObject *encoded = utf16(path);
    wsgireload_outcome outcome;
    const void *text16;
    long long file;

    (void)module;
    if (encoded == NULL)
        return NULL;
    text16 = PyBytes_AsString(encoded);
    Py_BEGIN_ALLOW_THREADS
    file = wsgireload_open(text16, &outcome);
    Py_END_ALLOW_THREADS
    Py_DECREF(encoded);
    return Py_BuildValue("(LN)", file, told(&outcome));
}

static PyObject *watch_begin(PyObject *module, PyObject *unused)
{
    wsgireload_outcome outcome;
    long long watcher;

    (void)module, (void)unused;
    Py_BEGIN_ALLOW_THREADS
    watcher = wsgireload_watch_begin(&outcome);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(LN)", watcher, told(&outcome));
}

static PyObject *watch_directory(PyObject *module, PyObject *arguments)
{
    wsgireload_outcome outcome;
    long long watcher;
    const char *path;
    int interest, trust, number;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "Lyip", &watcher, &path, &interest, &trust))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    number = wsgireload_watch_directory(watcher, path, interest, trust, &outcome);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(iN)", number, told(&outcome));
}

static PyObject *watch_name(PyObject *module, PyObject *arguments)
{
    long long watcher;
    const char *name;
    int directory;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "Liy", &watcher, &directory, &name))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_watch_name(watcher, directory, name);
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

static PyObject *watch_forget(PyObject *module, PyObject *arguments)
{
    long long watcher;
    int directory;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "Li", &watcher, &directory))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_watch_forget(watcher, directory);
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

static PyObject *listed(const wsgireload_change *changes, int count)
{
    PyObject *list = PyList_New(count > 0 ? count : 0), *change;
    int i;

    for (i = 0; list != NULL && i < count; i++) {
        change = Py_BuildValue("(iNy)", changes[i].directory, PyBool_FromLong(changes[i].gone),
                               changes[i].name);
        if (change == NULL || PyList_SetItem(list, i, change) < 0)
            Py_CLEAR(list);
    }
    return list;
}

#define AT_ONCE 64 /* changes that one call tells at most */

static PyObject *watch_wait(PyObject *module, PyObject *arguments)
{
    wsgireload_change *changes;
    wsgireload_outcome outcome;
    unsigned milliseconds;
    long long watcher;
    PyObject *list;
    int count;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "LI", &watcher, &milliseconds))
        return NULL;
    changes = PyMem_Malloc(AT_ONCE * sizeof *changes); /* threads may have small stacks */
    if (changes == NULL)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    count = wsgireload_watch_wait(watcher, milliseconds, changes, AT_ONCE, &outcome);
    Py_END_ALLOW_THREADS
    list = listed(changes, count);
    PyMem_Free(changes);
    return list != NULL ? Py_BuildValue("(NN)", list, told(&outcome)) : NULL;
}

static PyObject *watch_wake(PyObject *module, PyObject *argument)
{
    long long watcher = PyLong_AsLongLong(argument);

    (void)module;
    if (PyErr_Occurred())
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_watch_wake(watcher);
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

static PyObject *watch_end(PyObject *module, PyObject *argument)
{
    long long watcher = PyLong_AsLongLong(argument);

    (void)module;
    if (PyErr_Occurred())
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    wsgireload_watch_end(watcher);
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

/* Whether there are so many texts, each with a NUL at its end, and nothing after them. */
static int holds(const char *texts, Py_ssize_t length, int count)
{
    Py_ssize_t i;

    if (length > 0 && texts[length - 1] != '\0')
        return 0;
    for (i = 0; i < length; i++)
        count -= texts[i] == '\0';
    return count == 0;
}

static PyObject *marks(PyObject *module, PyObject *arguments)
{
    unsigned long long *found;
    PyObject *paths, *bytes;
    Py_ssize_t length;
    char *texts;
    int count;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "Si", &paths, &count)
        || PyBytes_AsStringAndSize(paths, &texts, &length) < 0)
        return NULL;
    if (!holds(texts, length, count))
        return PyErr_Format(PyExc_ValueError, "not %d paths, each with a NUL at its end", count);
    found = PyMem_Malloc((size_t)count * sizeof *found);
    if (found == NULL)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    wsgireload_marks(texts, count, found);
    Py_END_ALLOW_THREADS
    bytes = PyBytes_FromStringAndSize((const char *)found, count * (Py_ssize_t)sizeof *found);
    PyMem_Free(found);
    return bytes;
}

static PyMethodDef methods[] = {
    {"probe", probe, METH_NOARGS,
     "probe($module, /)\n--\n\nWhat server this process is: (apache, version, mpm, parent, state, "
     "generation, restart, refusal)."},
    {"command_line", command_line, METH_NOARGS,
     "command_line($module, /)\n--\n\nHow this process was started; \"\" where only argv tells."},
    {"restart", restart, METH_NOARGS,
     "restart($module, /)\n--\n\nAsk for a restart, once: (status, code, call, message)."},
    {"rearm", rearm, METH_NOARGS,
     "rearm($module, /)\n--\n\nLet restart() ask once more."},
    {"linger", linger, METH_O,
     "linger($module, seconds, /)\n--\n\nEnd this process if it will not leave by itself: (status, "
     "code, call, message)."},
    {"open_shared", open_shared, METH_O,
     "open_shared($module, path, /)\n--\n\nOpen a file in nobody's way: (handle, (status, code, "
     "call, message))."},
    {"watch_begin", watch_begin, METH_NOARGS,
     "watch_begin($module, /)\n--\n\nBegin to watch: (watcher, (status, code, call, message))."},
    {"watch_directory", watch_directory, METH_VARARGS,
     "watch_directory($module, watcher, path, interest, trust, /)\n--\n\nWatch a directory: "
     "(number, (status, code, call, message))."},
    {"watch_name", watch_name, METH_VARARGS,
     "watch_name($module, watcher, directory, name, /)\n--\n\nHear of a name in a directory."},
    {"watch_forget", watch_forget, METH_VARARGS,
     "watch_forget($module, watcher, directory, /)\n--\n\nWatch a directory no more."},
    {"watch_wait", watch_wait, METH_VARARGS,
     "watch_wait($module, watcher, milliseconds, /)\n--\n\nWait for changes: ([(directory, gone, "
     "name)], (status, code, call, message))."},
    {"watch_wake", watch_wake, METH_O,
     "watch_wake($module, watcher, /)\n--\n\nEnd the wait that is on, or the next one."},
    {"watch_end", watch_end, METH_O,
     "watch_end($module, watcher, /)\n--\n\nEnd a watcher, and its wait."},
    {"marks", marks, METH_VARARGS,
     "marks($module, paths, count, /)\n--\n\nLook at many files: 8 bytes for each."},
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
