//! Whether a file is a static program for linux/amd64.

use super::PackageError;
use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

/// Refuses everything that needs more of an image than a kernel for amd64.
pub(super) fn require_static(program: &[u8]) -> Result<(), PackageError> {
    let Ok(header) = FileHeader64::<LittleEndian>::parse(program) else {
        return Err(PackageError::NotAProgram);
    };
    // ELF for other classes and byte orders fails above or here.
    let Ok(endian) = header.endian() else {
        return Err(PackageError::NotAProgram);
    };
    if header.e_machine(endian) != elf::EM_X86_64 {
        return Err(PackageError::OtherMachine);
    }
    let segments = header
        .program_headers(endian, program)
        .map_err(|_| PackageError::NotAProgram)?;
    for segment in segments {
        // A static program that can be loaded anywhere (static-pie) has a dynamic table, too, but no loader.
        let interpreter = segment
            .interpreter(endian, program)
            .map_err(|_| PackageError::NotAProgram)?;
        if let Some(interpreter) = interpreter {
            return Err(PackageError::Dynamic {
                needs: format!("`{}`", String::from_utf8_lossy(interpreter)),
            });
        }
        let table = segment
            .dynamic(endian, program)
            .map_err(|_| PackageError::NotAProgram)?;
        let needs_library = table
            .into_iter()
            .flatten()
            .any(|entry| entry.tag(endian) == elf::DT_NEEDED);
        if needs_library {
            return Err(PackageError::Dynamic {
                needs: "shared libraries".into(),
            });
        }
    }
    Ok(())
}
