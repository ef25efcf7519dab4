"""One call of the file system, as the user who asks: the name of the call and its message as JSON; the answer as JSON."""
import datetime, grp, json, os, pwd, shutil, stat, sys


class Failure(Exception):
    pass


def name_of(database, number):
    try:
        return database(number)[0]
    except KeyError:
        return str(number)


def absolute(path):
    path = os.path.expanduser(path or "")
    return os.path.normpath(os.path.join(os.environ["HOME"], path))


def entry(path):
    try:
        link = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise Failure("not_found", f"file not found: {path}")
    try:
        target = os.stat(path)
    except OSError:
        target = link
    kind = "FILE_TYPE_DIRECTORY" if stat.S_ISDIR(target.st_mode) else "FILE_TYPE_FILE"
    time = datetime.datetime.fromtimestamp(link.st_mtime, datetime.timezone.utc)
    found = dict(name=os.path.basename(path), type=kind, path=path, size=str(link.st_size), mode=link.st_mode & 0o7777)
    found.update(permissions=stat.filemode(link.st_mode), owner=name_of(pwd.getpwuid, link.st_uid), group=name_of(grp.getgrgid, link.st_gid))
    found.update(modifiedTime=time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    if stat.S_ISLNK(link.st_mode):
        found.update(symlinkTarget=os.path.realpath(path))
    return found


def list_dir(path, depth=1, **_):
    path = absolute(path)
    if not os.path.exists(path):
        raise Failure("not_found", f"directory not found: {path}")
    if not os.path.isdir(path):
        raise Failure("invalid_argument", f"path is not a directory: {path}")
    entries = []

    def walk(folder, left):
        for name in sorted(os.listdir(folder)):
            full = os.path.join(folder, name)
            entries.append(entry(full))
            if left > 1 and os.path.isdir(full) and not os.path.islink(full):
                walk(full, left - 1)

    walk(path, depth or 1)
    return dict(entries=entries)


def make_dir(path, **_):
    path = absolute(path)
    if os.path.isdir(path):
        raise Failure("already_exists", f"directory already exists: {path}")
    if os.path.exists(path):
        raise Failure("invalid_argument", f"path already exists but it is not a directory: {path}")
    os.makedirs(path)
    return dict(entry=entry(path))


def move(source, destination, **_):
    source, destination = absolute(source), absolute(destination)
    if not os.path.lexists(source):
        raise Failure("not_found", f"source file not found: {source}")
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    os.rename(source, destination)
    return dict(entry=entry(destination))


def remove(path, **_):
    path = absolute(path)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)
    return {}


def resolve(path, **_):
    """For the transfer of files: where a path leads, and what is there."""
    path = absolute(path)
    kind = "directory" if os.path.isdir(path) else "file" if os.path.isfile(path) else "none"
    return dict(path=path, kind=kind, size=os.path.getsize(path) if kind == "file" else 0)


CALLS = dict(ListDir=list_dir, Stat=lambda path, **_: dict(entry=entry(absolute(path))), MakeDir=make_dir, Move=move, Remove=remove, resolve=resolve)

try:
    answer = CALLS[sys.argv[1]](**json.loads(sys.argv[2]))
except Failure as failure:
    answer = dict(code=failure.args[0], message=failure.args[1])
except PermissionError as failure:
    answer = dict(code="invalid_argument", message=f"permission denied: {failure.filename}")
except OSError as failure:
    answer = dict(code="internal", message=str(failure))
print(json.dumps(answer))
