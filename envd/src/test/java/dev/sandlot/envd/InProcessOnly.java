package dev.sandlot.envd;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Tests that reach behind what an envd answers: with {@link TestEnvd#GUEST} they are skipped, and counted as such. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(InProcessOnly.Condition.class)
@interface InProcessOnly {
    /** What of the program they reach into. */
    String value();

    /** Decides by the property. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return AnnotationSupport.findAnnotation(context.getElement(), InProcessOnly.class)
                    .filter(_ -> TestEnvd.IN_GUEST)
                    .map(only -> ConditionEvaluationResult.disabled("not against a guest: " + only.value()))
                    .orElseGet(() -> ConditionEvaluationResult.enabled(""));
        }
    }
}
