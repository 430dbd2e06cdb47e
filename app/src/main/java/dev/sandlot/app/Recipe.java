package dev.sandlot.app;

import java.util.List;
import java.util.Optional;

/**
 * How a template is built, as a Dockerfile says it (template-build.md 19).
 *
 * @param image what it begins with
 * @param startCommand empty for none
 * @param readyCommand empty for none
 * @param warnings what of the Dockerfile was left out
 */
record Recipe(String image, List<Step> steps, String startCommand, String readyCommand, List<String> warnings) {
    /** A step as the API takes it; the arguments of COPY are source, target, owner and mode. */
    record Step(String type, List<String> arguments) {
        Step {
            arguments = List.copyOf(arguments);
        }

        boolean isCopy() {
            return type.equals("COPY");
        }
    }

    Recipe {
        steps = List.copyOf(steps);
        warnings = List.copyOf(warnings);
    }

    /** With the commands that are given, empty ones for none; another start command goes without this ready command. */
    Recipe withCommands(Optional<String> start, Optional<String> ready) {
        String otherwise = start.isPresent() ? "" : readyCommand;
        return new Recipe(image, steps, start.orElse(startCommand), ready.orElse(otherwise), warnings);
    }
}
