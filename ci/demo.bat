@echo off
rem Shows a reload on a real Apache of this PC: ci\demo.bat [--httpd FILE] [--keep]
rem   --httpd FILE  Apache's httpd.exe, if it is not C:\Apache24\bin\httpd.exe
rem   --keep        leaves the server running, and prints where it is and how to stop it
rem It starts an Apache of its own, on a free port. What it installs is in one folder, which it
rem names. It takes CPython 3.11 or later, and Microsoft's Build Tools for Visual Studio. Where the
rem variable PYTHON has the path of a python.exe, it takes that and not "py".
setlocal
set PY=py -3
if not "%PYTHON%"=="" set PY="%PYTHON%"
cd /d "%~dp0.."

set HTTPD=C:\Apache24\bin\httpd.exe
set OPTIONS=
:options
if "%~1"=="" goto check
if "%~1"=="--httpd" if not "%~2"=="" (
  set "HTTPD=%~f2"
  shift
  shift
  goto options
)
if "%~1"=="--keep" (
  set OPTIONS=--keep
  shift
  goto options
)
echo usage: ci\demo.bat [--httpd FILE] [--keep]
exit /b 2

:check
if not exist "%HTTPD%" (
  echo There is no %HTTPD%. If your Apache is elsewhere: ci\demo.bat --httpd C:\...\bin\httpd.exe
  exit /b 1
)
rem pip compiles mod_wsgi against the files of this Apache.
for %%f in ("%HTTPD%\..\..") do set "MOD_WSGI_APACHE_ROOTDIR=%%~ff"
rem Nothing that makes Python look elsewhere.
set PYTHONHOME=
set PYTHONPATH=

set "VENV=%LOCALAPPDATA%\wsgireload-demo"
if not exist "%VENV%\Scripts\python.exe" (
  echo -- making %VENV%
  call %PY% -m venv "%VENV%"
  if errorlevel 1 exit /b 1
)
set PYTHON="%VENV%\Scripts\python.exe"
rem The wheel that was built last, or else a new one from the checkout.
set OURS=.
for %%w in (dist\wsgireload-*-win_amd64.whl) do set "OURS=%%w"
echo -- installing mod_wsgi and wsgireload
%PYTHON% -m pip install --quiet --disable-pip-version-check mod_wsgi==6.1.1
if errorlevel 1 exit /b 1
%PYTHON% -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "%OURS%"
if errorlevel 1 exit /b 1

set PYTHONPATH=tests
%PYTHON% -P -m support.demo --httpd "%HTTPD%" %OPTIONS%
