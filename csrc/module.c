/* SPDX-License-Identifier: MIT
 *
 * wsgireload._native: the core as a Python module. It has no state and no type of its own, so that
 * one binary loads in every interpreter of a process, again and again.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <string.h>

#include "wsgireload.h"

/* The name of the capsule that holds a watcher, and frees it. */
#define WATCHER "wsgireload._native.watcher"

/* How many changes watch_wait returns at most: the memory for more, once it was freed, has glibc
 * keep more of what is freed in the whole process. */
#define ROOM 240

/* Executes a statement that may take a while. */
#define WITHOUT_GIL(statement) Py_BEGIN_ALLOW_THREADS statement; Py_END_ALLOW_THREADS

/* This text is for people, who can use U+FFFD better than an exception. */
static PyObject *to_str(const char *bytes)
{
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)strlen(bytes), "replace");
}

static PyObject *to_tuple(const wsgireload_outcome *outcome)
{
    return Py_BuildValue("(iiNN)", outcome->status, outcome->code, to_str(outcome->call),
                         to_str(outcome->message));
}

static PyObject *probe(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    wsgireload_server server;

    WITHOUT_GIL(wsgireload_probe(&server))
    return Py_BuildValue("(NkiiiN)", PyBool_FromLong(server.apache), server.parent, server.state,
                         server.generation, server.restart, to_str(server.refusal));
}

static PyObject *command_line(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    const void *line = wsgireload_command_line();

    return line != NULL ? PyUnicode_FromWideChar(line, -1) : PyUnicode_FromString("");
}

static PyObject *process_start(PyObject *Py_UNUSED(module), PyObject *pid)
{
    unsigned long number = PyLong_AsUnsignedLong(pid);
    unsigned long long start;

    if (PyErr_Occurred())
        return NULL;
    WITHOUT_GIL(start = wsgireload_process_start(number))
    return PyLong_FromUnsignedLongLong(start);
}

static PyObject *restart(PyObject *Py_UNUSED(module), PyObject *signal)
{
    long number = PyLong_AsLong(signal);
    wsgireload_outcome outcome;

    if (PyErr_Occurred())
        return NULL;
    WITHOUT_GIL(wsgireload_restart((int)number, &outcome))
    return to_tuple(&outcome);
}

static PyObject *taken(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(wsgireload_taken());
}

static PyObject *rearm(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    WITHOUT_GIL(wsgireload_rearm())
    return Py_NewRef(Py_None);
}

static PyObject *linger(PyObject *Py_UNUSED(module), PyObject *argument)
{
    unsigned long seconds = PyLong_AsUnsignedLong(argument);
    wsgireload_outcome outcome;

    if (PyErr_Occurred())
        return NULL;
    WITHOUT_GIL(wsgireload_linger(seconds < UINT_MAX ? (unsigned)seconds : UINT_MAX, &outcome))
    return to_tuple(&outcome);
}

static PyObject *close_on_fork(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int descriptor, on;

    if (!PyArg_ParseTuple(arguments, "ip", &descriptor, &on))
        return NULL;
    WITHOUT_GIL(wsgireload_close_on_fork(descriptor, on))
    return Py_NewRef(Py_None);
}

static PyObject *job(PyObject *Py_UNUSED(module), PyObject *process)
{
    long long handle = PyLong_AsLongLong(process), made;
    wsgireload_outcome outcome;

    if (PyErr_Occurred())
        return NULL;
    WITHOUT_GIL(made = wsgireload_job(handle, &outcome))
    return Py_BuildValue("(LN)", made, to_tuple(&outcome));
}

static PyObject *end_job(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long long made;
    int kill;

    if (!PyArg_ParseTuple(arguments, "Lp", &made, &kill))
        return NULL;
    WITHOUT_GIL(wsgireload_end_job(made, kill))
    return Py_NewRef(Py_None);
}

static PyObject *marks(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned long long *found;
    PyObject *paths, *bytes = NULL;
    int count, given;
    const char *text;
    unsigned long size;

    if (!PyArg_ParseTuple(arguments, "Si", &paths, &given))
        return NULL;
    found = PyMem_Calloc(given > 0 ? (size_t)given : 1, sizeof *found);
    if (found == NULL)
        return PyErr_NoMemory();
    text = PyBytes_AsString(paths);
    size = (unsigned long)PyBytes_Size(paths);
    WITHOUT_GIL(count = wsgireload_marks(text, size, found, given))
    if (count == given)
        bytes = PyBytes_FromStringAndSize((const char *)found, count * (Py_ssize_t)sizeof *found);
    else
        PyErr_Format(PyExc_ValueError, "not %d paths, each with a NUL at its end", given);
    PyMem_Free(found);
    return bytes;
}

static PyObject *file_system(PyObject *Py_UNUSED(module), PyObject *bytes)
{
    const char *path = PyBytes_AsString(bytes);
    wsgireload_outcome outcome;
    long long kind;

    if (path == NULL)
        return NULL;
    WITHOUT_GIL(kind = wsgireload_file_system(path, &outcome))
    return Py_BuildValue("(LN)", kind, to_tuple(&outcome));
}

/* A capsule's reference count is what makes a watcher safe: whoever uses it, holds it. */
static void free_watcher(PyObject *capsule)
{
    wsgireload_watch_free(PyCapsule_GetPointer(capsule, WATCHER));
}

/* For the format O&. */
static int to_watcher(PyObject *capsule, void *watcher)
{
    *(wsgireload_watcher **)watcher = PyCapsule_GetPointer(capsule, WATCHER);
    return *(wsgireload_watcher **)watcher != NULL;
}

static PyObject *watch_begin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    wsgireload_outcome outcome;
    wsgireload_watcher *watcher = wsgireload_watch_begin(&outcome);
    PyObject *capsule;

    if (watcher == NULL)
        return Py_BuildValue("(ON)", Py_None, to_tuple(&outcome));
    capsule = PyCapsule_New(watcher, WATCHER, free_watcher);
    if (capsule == NULL)
        wsgireload_watch_free(watcher);
    return capsule != NULL ? Py_BuildValue("(NN)", capsule, to_tuple(&outcome)) : NULL;
}

static PyObject *watch_directory(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    wsgireload_outcome outcome;
    wsgireload_watcher *watcher;
    PyObject *bytes;
    const char *path;
    int interest, id;

    if (!PyArg_ParseTuple(arguments, "O&Si", to_watcher, &watcher, &bytes, &interest))
        return NULL;
    path = PyBytes_AsString(bytes);
    WITHOUT_GIL(id = wsgireload_watch_directory(watcher, path, interest, &outcome))
    return Py_BuildValue("(iN)", id, to_tuple(&outcome));
}

static PyObject *watch_name(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    wsgireload_watcher *watcher;
    PyObject *name;
    int directory;

    if (!PyArg_ParseTuple(arguments, "O&iS", to_watcher, &watcher, &directory, &name))
        return NULL;
    wsgireload_watch_name(watcher, directory, PyBytes_AsString(name));
    return Py_NewRef(Py_None);
}

static PyObject *watch_forget(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    wsgireload_watcher *watcher;
    int directory;

    if (!PyArg_ParseTuple(arguments, "O&i", to_watcher, &watcher, &directory))
        return NULL;
    WITHOUT_GIL(wsgireload_watch_forget(watcher, directory))
    return Py_NewRef(Py_None);
}

static PyObject *to_list(const wsgireload_change *changes, int count)
{
    PyObject *list = PyList_New(count > 0 ? count : 0), *change;
    int i;

    for (i = 0; list != NULL && i < count; i++) {
        change = Py_BuildValue("(iiy#)", changes[i].directory, changes[i].kind, changes[i].name,
                               (Py_ssize_t)changes[i].length);
        if (change == NULL || PyList_SetItem(list, i, change) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *watch_wait(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    wsgireload_watcher *watcher;
    wsgireload_change *changes;
    wsgireload_outcome outcome;
    double seconds;
    PyObject *list;
    int count;

    if (!PyArg_ParseTuple(arguments, "O&d", to_watcher, &watcher, &seconds))
        return NULL;
    changes = PyMem_Malloc(ROOM * sizeof *changes);
    if (changes == NULL)
        return PyErr_NoMemory();
    WITHOUT_GIL(count = wsgireload_watch_wait(watcher, seconds, changes, ROOM, &outcome))
    list = to_list(changes, count);
    PyMem_Free(changes);
    return list != NULL ? Py_BuildValue("(NN)", list, to_tuple(&outcome)) : NULL;
}

static PyObject *watch_wake(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsgireload_watcher *watcher;

    if (!to_watcher(capsule, &watcher))
        return NULL;
    wsgireload_watch_wake(watcher);
    return Py_NewRef(Py_None);
}

static PyObject *watch_end(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsgireload_watcher *watcher;

    if (!to_watcher(capsule, &watcher))
        return NULL;
    WITHOUT_GIL(wsgireload_watch_end(watcher))
    return Py_NewRef(Py_None);
}

/* _native.pyi documents them; inspect.signature and help() take the parameters from here. */
#define METHOD(name, flags, parameters) {#name, name, flags, #name "($module, " parameters ")\n--\n\n"}

static PyMethodDef methods[] = {
    METHOD(probe, METH_NOARGS, "/"),
    METHOD(command_line, METH_NOARGS, "/"),
    METHOD(process_start, METH_O, "pid, /"),
    METHOD(restart, METH_O, "signal, /"),
    METHOD(taken, METH_NOARGS, "/"),
    METHOD(rearm, METH_NOARGS, "/"),
    METHOD(linger, METH_O, "seconds, /"),
    METHOD(close_on_fork, METH_VARARGS, "descriptor, on, /"),
    METHOD(job, METH_O, "process, /"),
    METHOD(end_job, METH_VARARGS, "job, kill, /"),
    METHOD(marks, METH_VARARGS, "paths, count, /"),
    METHOD(file_system, METH_O, "path, /"),
    METHOD(watch_begin, METH_NOARGS, "/"),
    METHOD(watch_directory, METH_VARARGS, "watcher, path, interest, /"),
    METHOD(watch_name, METH_VARARGS, "watcher, directory, name, /"),
    METHOD(watch_forget, METH_VARARGS, "watcher, directory, /"),
    METHOD(watch_wait, METH_VARARGS, "watcher, seconds, /"),
    METHOD(watch_wake, METH_O, "watcher, /"),
    METHOD(watch_end, METH_O, "watcher, /"),
    {NULL, NULL, 0, NULL},
};

/* Slots and values from CPython's moduleobject.h: 3.12 brought the first, 3.13 the second, and a
 * Python rejects a slot that came after it. Headers of 3.11 have neither name. */
#define MULTIPLE_INTERPRETERS 3                 /* Py_mod_multiple_interpreters */
#define PER_INTERPRETER_GIL_SUPPORTED (void *)2 /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */
#define GIL 4                                   /* Py_mod_gil */
#define GIL_NOT_USED (void *)1                  /* Py_MOD_GIL_NOT_USED */

static PyModuleDef_Slot slots[] = { /* the newest first: an older Python begins further down */
    {GIL, GIL_NOT_USED},
    {MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "wsgireload._native",
    .m_doc = "The C core; use it through wsgireload.server.native.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__native(void)
{
    /* The Python that runs, not the one that compiled: the binary is the same for all. */
    int too_new = Py_Version >= 0x030D0000 ? 0 : Py_Version >= 0x030C0000 ? 1 : 2;

    definition.m_slots = slots + too_new;
    return PyModuleDef_Init(&definition);
}
