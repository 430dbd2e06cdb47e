package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dockerfiles as recipes (template-build.md 19). */
class DockerfileConversionTest {
    private static Recipe convert(String text, Map<String, String> arguments) {
        return DockerfileConversion.convert(Dockerfile.parse(text), arguments);
    }

    private static List<String> steps(String text) {
        return convert("FROM a\n" + text, Map.of()).steps().stream()
                .map(step -> step.type() + " " + String.join("|", step.arguments()))
                .toList();
    }

    @Test
    void aFileBeginsAsRootInTheRootAndEndsAsUser() {
        Recipe recipe = convert("FROM --platform=linux/amd64 debian:12 AS base\n", Map.of());
        assertThat(recipe.image()).isEqualTo("debian:12");
        assertThat(steps("")).containsExactly("USER root", "WORKDIR /", "USER user", "WORKDIR /home/user");
        assertThat(steps("USER app:staff\nWORKDIR srv"))
                .containsExactly("USER root", "WORKDIR /", "USER app:staff", "WORKDIR srv");
        assertThat(recipe.startCommand()).isEmpty();
        assertThat(recipe.readyCommand()).isEmpty();
    }

    @Test
    void commandsAreKeptAsWritten() {
        assertThat(steps("RUN --mount=type=cache,target=/x echo \"a  b\" \\\n# not this\n\n  && true"))
                .contains("RUN echo \"a  b\"   && true");
        assertThat(steps("RUN [\"echo\", \"it's\", \"$A\"]")).contains("RUN echo 'it'\\''s' '$A'");
        assertThat(steps("# escape=`\nRUN a `\n b")).doesNotContain("RUN a  b");
        assertThat(convert("# escape=`\nFROM a\nRUN a `\n b", Map.of()).steps())
                .contains(new Recipe.Step("RUN", List.of("a  b")));
    }

    @Test
    void aByteOrderMarkCarriageReturnsAndSmallLettersAreNoMatter() {
        assertThat(convert("\uFEFF# escape=`\r\nfrom a\r\nrun b `\r\n# c\r\n\r\n d\r\n", Map.of())
                        .steps())
                .contains(new Recipe.Step("RUN", List.of("b  d")));
    }

    @Test
    void everySourceIsAStepOfItsOwn() {
        assertThat(steps("COPY --chown=app:app --link a b/ /srv/"))
                .contains("COPY a|/srv/|app:app|", "COPY b/|/srv/|app:app|");
        assertThat(steps("ADD [\"a b\", \"/x y\"]")).contains("COPY a b|/x y||");
    }

    @Test
    void variablesOfTheFileArePutIntoPathsAndUsers() {
        assertThat(steps("ENV APP=/opt/app\nARG SUB=sub\nWORKDIR $APP\nCOPY ${SUB} ${APP}/t\nUSER ${U:-worker}"))
                .contains("WORKDIR /opt/app", "COPY sub|/opt/app/t||", "USER worker");
        assertThat(steps("ENV A=1\nENV B=/x/$A C=${A:+y}\nWORKDIR $B/$C"))
                .contains("ENV B|/x/${A}|C|y", "WORKDIR /x/1/y");
        assertThat(steps("WORKDIR /a$\nCOPY a$ /$.x")).contains("WORKDIR /a$", "COPY a$|/$.x||");
        assertThat(convert("FROM a\nARG D=x\nWORKDIR /$D", Map.of("D", "given")).steps())
                .contains(new Recipe.Step("WORKDIR", List.of("/given")));
        for (String unknown : List.of(
                "WORKDIR $HOME/x",
                "ENV P=$PATH:/x\nWORKDIR $P",
                "COPY a ${X}",
                "USER ${X?no}",
                "WORKDIR $A\nENV A=1")) {
            assertThatThrownBy(() -> steps(unknown))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no ENV or ARG of this Dockerfile");
        }
    }

    /** {@code $${SANDLOT_NOTHING}} is a dollar that no server takes for the beginning of a variable. */
    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '\0',
            value = {
                "A='$HOME' => A|$${SANDLOT_NOTHING}HOME",
                "A=\\$HOME => A|$${SANDLOT_NOTHING}HOME",
                "A=\"a \\$b\" => A|a $${SANDLOT_NOTHING}b",
                "A='${X}' B='$1 $' => A|$${SANDLOT_NOTHING}{X}|B|$1 $",
                "A=$HOME B=\"<${HOME}>\" => A|${HOME}|B|<${HOME}>",
                "A=\"it's\" B='\"' C=\"a\\nb\\\\\" D=a\\ b => A|it's|B|\"|C|a\\nb\\|D|a b",
                "A old  'style' \\$B => A|old  style $${SANDLOT_NOTHING}B",
                "A=${N:-$K/'$x'} B=${N+1} C=${K+1}${K:?no} => A|v$/$${SANDLOT_NOTHING}x|B||C|1v$",
                "P=/x:${PATH} Q=${PATH:-} R=${PATH+:} => P|/x:${PATH}|Q|${PATH}|R|:",
                "A=$(id) B=`id` C=$ D=a$ => A|$(id)|B|`id`|C|$|D|a$",
                "K=new L=$K => K|new|L|${K}",
            })
    void quotesAndEscapesAreThoseOfDocker(String variables, String expected) {
        assertThat(steps("ENV K=v$\nENV " + variables)).contains("ENV " + expected.strip());
    }

    @Test
    void variablesOfOneInstructionAreNotYetKnownInIt() {
        assertThat(steps("ENV A=1\nENV A=2 B=$A\nWORKDIR /$A$B")).contains("WORKDIR /21");
        assertThat(steps("ENV A='$x'\nWORKDIR /$A\nCOPY 'b$c' \"/$A\"")).contains("WORKDIR /$x", "COPY b$c|/$x||");
        assertThat(convert("FROM a\nARG A", Map.of("A", "$HOME")).steps())
                .contains(new Recipe.Step("ENV", List.of("A", "$${SANDLOT_NOTHING}HOME")));
        assertThat(convert("ARG V\nARG W=${V:-12}\nFROM a:${W}-${X:-slim}", Map.of())
                        .image())
                .isEqualTo("a:12-slim");
    }

    @Test
    void variablesAreSetAndArgumentsAreVariables() {
        assertThat(steps("ENV A=1 B=\"two words\" C=x\\ y")).contains("ENV A|1|B|two words|C|x y");
        assertThat(steps("ENV A the rest")).contains("ENV A|the rest");
        assertThat(steps("ARG A=1\nARG B")).contains("ENV A|1", "ENV B|");
        Recipe recipe = convert("ARG V=1\nFROM a:${V}\nARG V\nARG W=2", Map.of("W", "3"));
        assertThat(recipe.image()).isEqualTo("a:1");
        assertThat(recipe.steps())
                .contains(new Recipe.Step("ENV", List.of("V", "1")), new Recipe.Step("ENV", List.of("W", "3")));
        assertThat(convert("ARG V=1\nFROM a:$V", Map.of("V", "9")).image()).isEqualTo("a:9");
    }

    @Test
    void theLaterOfCmdAndEntrypointIsStarted() {
        Recipe recipe = convert("FROM a\nENTRYPOINT [\"/run\", \"x y\"]\nCMD serve --all", Map.of());
        assertThat(recipe.startCommand()).isEqualTo("serve --all");
        assertThat(recipe.readyCommand()).isEqualTo("sleep 20");
        assertThat(withCommands(recipe, "mine", null).readyCommand()).isEmpty();
        assertThat(withCommands(recipe, null, "curl x").readyCommand()).isEqualTo("curl x");
        assertThat(withCommands(recipe, null, null)).isEqualTo(recipe);
        assertThat(withCommands(recipe, "", null)).isEqualTo(withCommands(recipe, "", ""));
        assertThat(withCommands(recipe, "", "").startCommand()).isEmpty();
        assertThat(withCommands(recipe, "", "").readyCommand()).isEmpty();
        assertThat(withCommands(recipe, null, "").startCommand()).isEqualTo("serve --all");
        assertThat(withCommands(recipe, null, "").readyCommand()).isEmpty();
    }

    private static Recipe withCommands(Recipe recipe, @Nullable String start, @Nullable String ready) {
        return recipe.withCommands(Optional.ofNullable(start), Optional.ofNullable(ready));
    }

    @Test
    void whatHasNoFormIsLeftOutWithAWarning() {
        Recipe recipe = convert("FROM a\nEXPOSE 80\nVOLUME /x\nLABEL a=b\nCOPY --chmod=755 a /b", Map.of());
        assertThat(recipe.warnings())
                .containsExactly("line 4: LABEL is not supported and left out", "line 5: --chmod is left out");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "RUN a| RUN before FROM",
                "# nothing| no FROM",
                "FROM a;FROM b| several stages",
                "FROM a;COPY --from=x a b| several stages",
                "FROM a;COPY a| source and a target",
                "FROM a;ADD https://x/y /z| not supported",
                "FROM a;RUN <<EOF;true;EOF| here-document",
                "FROM a;ENV =b| is not of the form",
                "FROM a;ENV A| has no value",
                "FROM a;ENV A='b| not closed",
                "FROM a;ENV A=${B| not closed",
                "FROM a;ENV A=${B#x}| not supported",
                "FROM a;ENV A=${PATH:-x}| no ENV or ARG",
                "FROM a:$V| no ARG before it",
                "FROM a;RUN| without a command",
                "FROM| without an image",
            })
    void whatCannotBeBuiltIsRefused(String text, String problem) {
        assertThatThrownBy(() -> convert(text.replace(';', '\n'), Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(problem.strip());
    }
}
